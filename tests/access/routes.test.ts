/** Every route, asked by everybody (S9): routes.ts is the table. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { startApi } from '@parley/testkit'
import { compareRows, openRouter, routesOf } from './coverage.ts'
import { type RouteRow, routeRows } from './routes.ts'
import { type Asker, askers, difference, World } from './world.ts'

// Machines that do much else at the same time are slow.
setDefaultTimeout(60_000)

async function expectAnswer(row: RouteRow, world: World, asker: Asker): Promise<void> {
  const [method = '', plainPath = ''] = row.route.split(' ')
  const { path = plainPath, body } = (await row.ask?.(world, asker)) ?? {}
  await world.settle()
  const before = await world.stored()
  const { token } = world.who(asker)
  const answer = await world.call(method, path, { token, body })
  await world.settle()
  const said = JSON.stringify(answer.body)
  expect([asker, answer.status, said]).toEqual([asker, row.may[asker], said])
  if (answer.status < 400 && row.shows) expect(answer.body).toMatchObject(row.shows(world, asker))
  const changed = difference(before, await world.stored())
  const allowed = answer.status < 400 ? (row.touches ?? []) : []
  const whose = row.whose?.(world, asker)
  const foreign = changed.filter((line) => {
    const [table = ''] = line.split(' ')
    if (row.spends?.includes(table)) return false
    const isAllowed = allowed.includes(table)
    return !isAllowed || (whose && !whose.some((id) => line.includes(id)))
  })
  expect([asker, foreign]).toEqual([asker, []])
}

for (const row of routeRows) {
  test(`[S9] ${row.route}${row.about ? ` with a ${row.about}` : ''}, by everybody`, async () => {
    await using world = await World.open()
    const refused = askers.filter((asker) => row.may[asker] >= 400)
    for (const asker of refused) await expectAnswer(row, world, asker)
    for (const asker of askers.filter((each) => row.may[each] < 400)) {
      if (!row.touches) {
        await expectAnswer(row, world, asker)
        continue
      }
      // It changes the world, so each has one to itself.
      await using own = await World.open()
      await expectAnswer(row, own, asker)
    }
  })
}

// Making it took seven milliseconds for whoever asked: a hundred and fifty requests a second from
// anybody were a whole processor.
test('[F1] the document of the API is made once, however often it is asked for', async () => {
  await using api = await startApi()
  const router = await openRouter(api)
  const make = router.getOpenAPI31Document
  let made = 0
  router.getOpenAPI31Document = (...given) => {
    made++
    return make(...given)
  }
  const ask = async () => {
    const answer = await router.request('/openapi.json', {}, { remoteAddress: '203.0.113.7' })
    expect(answer.headers.get('content-type')).toStartWith('application/json')
    return (await answer.json()) as { openapi: string }
  }
  const [first, ...others] = [await ask(), await ask(), await ask()]
  expect(first?.openapi).toBe('3.1.0')
  expect(others).toEqual([first, first] as never)
  expect(made).toBe(1)
})

test('[S9] every route that the server has stands in the table, and no other', async () => {
  await using api = await startApi()
  const served = routesOf(await openRouter(api))
  expect(served.length).toBeGreaterThan(15)
  const rows = routeRows.map(({ route }) => route)
  expect(compareRows(rows, served)).toEqual({ withoutRow: [], withoutThing: [] })
})

test('[S9] a route that is added without a row is found, however it was added', async () => {
  await using api = await startApi()
  const router = await openRouter(api)
  router.get('/v1/plain/:account', (c) => c.text(''))
  router.all('/v1/any', (c) => c.text(''))
  router.openAPIRegistry.registerPath({ method: 'get', path: '/v1/documented', responses: {} })
  router.post('/v1/account', (c) => c.text(''))
  const rows = routeRows.map(({ route }) => route)
  expect(compareRows(rows, routesOf(router)).withoutRow).toEqual([
    'ALL /v1/any',
    'GET /v1/plain/{account}',
    'POST /v1/account',
  ])
})
