/** The ledger finds each thing that makes a run void, and nothing in a run where all went well. */
import { describe, expect, test } from 'bun:test'
import { Ledger } from './ledger.ts'
import type { Faults } from './ledger.ts'

const [anna, ben, carl] = [0, 1, 2]

function open(): Ledger {
  return new Ledger({ expectsConfirmed: true, expectsAccepted: true })
}

/** Anna sends Ben so many messages; their numbers. */
function send(ledger: Ledger, messages: number): number[] {
  return Array.from({ length: messages }, () => ledger.send(anna, ben))
}

function arrive(ledger: Ledger, numbers: readonly number[]): void {
  for (const number of numbers) ledger.arrive(ben, { number, from: anna, mark: 0 })
}

function finish(ledger: Ledger, numbers: readonly number[]): void {
  for (const number of numbers) ledger.accept(anna, number)
  for (const number of numbers) ledger.confirm(anna, number)
}

/** The faults that were counted at all. */
function faultsOf(ledger: Ledger): Partial<Faults> {
  const counted = Object.entries(ledger.faults).filter(([, times]) => times > 0)
  return Object.fromEntries(counted)
}

test('a run in which all went well has no faults', () => {
  const ledger = open()
  const numbers = send(ledger, 100_000)
  expect(ledger.settled).toBe(false)
  arrive(ledger, numbers)
  finish(ledger, numbers)
  expect(faultsOf(ledger)).toEqual({})
  expect(ledger.errors).toBe(0)
  expect(ledger.settled).toBe(true)
  expect(ledger.arrived).toBe(100_000)
})

describe('a run is void when a message', () => {
  const cases: [string, (ledger: Ledger) => void, Partial<Faults>][] = [
    [
      'is missing',
      (ledger) => {
        const [first, , third] = send(ledger, 3) as [number, number, number]
        for (const number of [0, 1, 2]) ledger.accept(anna, number)
        arrive(ledger, [first, third])
        for (const number of [first, third]) ledger.confirm(anna, number)
      },
      { missing: 1, outOfOrder: 1 },
    ],
    [
      'is missing at the end',
      (ledger) => {
        const numbers = send(ledger, 3)
        for (const number of numbers) ledger.accept(anna, number)
        arrive(ledger, numbers.slice(0, 2))
        for (const number of numbers.slice(0, 2)) ledger.confirm(anna, number)
      },
      { missing: 1 },
    ],
    [
      'comes twice',
      (ledger) => {
        const numbers = send(ledger, 2)
        arrive(ledger, [...numbers, 0])
        finish(ledger, numbers)
      },
      { doubled: 1 },
    ],
    [
      'comes after a later one',
      (ledger) => {
        const numbers = send(ledger, 3)
        arrive(ledger, [0, 2, 1])
        finish(ledger, numbers)
      },
      { outOfOrder: 1 },
    ],
    [
      'comes to the wrong user',
      (ledger) => {
        const [number] = send(ledger, 1) as [number]
        ledger.arrive(carl, { number, from: anna, mark: 0 })
        ledger.accept(anna, number)
      },
      { missing: 1, wrongUser: 1 },
    ],
    [
      'comes in the name of somebody else',
      (ledger) => {
        const [number] = send(ledger, 1) as [number]
        ledger.arrive(ben, { number, from: carl, mark: 0 })
        ledger.accept(anna, number)
      },
      { missing: 1, wrongUser: 1 },
    ],
    ['was never sent', (ledger) => arrive(ledger, [7]), { invented: 1 }],
    [
      'is not accepted',
      (ledger) => {
        arrive(ledger, send(ledger, 1))
        ledger.confirm(anna, 0)
      },
      { unaccepted: 1 },
    ],
    [
      'is accepted twice, or for somebody else',
      (ledger) => {
        const numbers = send(ledger, 1)
        arrive(ledger, numbers)
        finish(ledger, numbers)
        ledger.accept(anna, 0)
        ledger.accept(ben, 0)
      },
      { doubled: 1, wrongUser: 1 },
    ],
    [
      'is not confirmed',
      (ledger) => {
        arrive(ledger, send(ledger, 1))
        ledger.accept(anna, 0)
      },
      { unconfirmed: 1 },
    ],
    [
      'is confirmed before it came, twice, or to somebody else',
      (ledger) => {
        const numbers = send(ledger, 1)
        ledger.confirm(anna, 0)
        arrive(ledger, numbers)
        finish(ledger, numbers)
        ledger.confirm(anna, 0)
        ledger.confirm(carl, 0)
      },
      { invented: 1, doubled: 1, wrongUser: 1 },
    ],
    [
      'is refused, or the connection ends',
      (ledger) => {
        ledger.reason('wrong', 'refused')
        ledger.reason('closed', 'by the server')
      },
      { wrong: 1, closed: 1 },
    ],
  ]
  for (const [name, happens, faults] of cases) {
    test(name, () => {
      const ledger = open()
      happens(ledger)
      expect(faultsOf(ledger)).toEqual(faults)
      expect(ledger.errors).toBeGreaterThan(0)
    })
  }
})

test('order is kept per sender and receiver, not between them', () => {
  const ledger = new Ledger({ expectsConfirmed: false, expectsAccepted: false })
  const [toBen, toCarl, fromCarl] = [ledger.send(anna, ben), ledger.send(anna, carl), 2]
  expect(ledger.send(carl, ben)).toBe(fromCarl)
  ledger.arrive(ben, { number: fromCarl, from: carl, mark: 0 })
  ledger.arrive(carl, { number: toCarl, from: anna, mark: 0 })
  ledger.arrive(ben, { number: toBen, from: anna, mark: 0 })
  expect(ledger.errors).toBe(0)
})

test('what a stopped run did not wait for is no fault, what went wrong before is', () => {
  const ledger = open()
  arrive(ledger, [...send(ledger, 2), 0])
  ledger.send(anna, ben)
  ledger.forgiveUnsettled()
  expect(faultsOf(ledger)).toEqual({ doubled: 1 })
})
