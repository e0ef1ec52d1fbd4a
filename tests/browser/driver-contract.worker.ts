/** Runs the driver contract and what is special to OPFS, and tells the page how each case went. */
import { driverContract } from '../../packages/sdk/src/store/driver.contract.ts'
import { opfsCases, opfsHost } from './opfs-cases.ts'

const reports: { name: string; failure: string | undefined }[] = []
for (const { name, check } of [...driverContract, ...opfsCases]) {
  const failure = await check(opfsHost).then(
    () => undefined,
    (error: unknown) => String(error),
  )
  reports.push({ name, failure })
}
postMessage(reports)
