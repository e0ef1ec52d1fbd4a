/** What a planted fault is: one realistic slip in one place, and the test that must notice it. */

export interface Fault {
  name: string
  /** What it would mean for the people who use it. */
  why: string
  /** From the root. */
  file: string
  /** Occurs in the file exactly once. */
  find: string
  put: string
  killedBy: NamedTest
}

export interface NamedTest {
  /** From the root. */
  file: string
  /** Part of a test's name, as it stands in the file. */
  test: string
}
