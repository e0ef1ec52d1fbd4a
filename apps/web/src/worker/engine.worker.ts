/**
 * The dedicated worker of the leading tab: database, encryption and connection live here, away from
 * what is drawn.
 */
import { runEngine } from '@parley/sdk/worker'

void runEngine({ server: self.location.origin })
