import { doors } from '../../shared/config/doors.ts';
import type { Variable } from '../../shared/config/variables.ts';

/** The settings that a command uses, by their names in code. */
export type Uses = (key: string) => boolean;

const inDoor =
  (door: keyof typeof doors): Uses =>
  (key) =>
    Object.hasOwn(doors[door], key);
const named =
  (...keys: string[]): Uses =>
  (key) =>
    keys.includes(key);
const either =
  (...all: Uses[]): Uses =>
  (key) =>
    all.some((uses) => uses(key));

/** Readers of events need only a connection, all others read or write messages. */
const { openEvents: _, ...ofMessages } = doors;
const isOfAllDoors: Uses = (key) => Object.values(ofMessages).every((door) => Object.hasOwn(door, key));
const isOfNoDoor: Uses = (key) => !Object.values(doors).some((door) => Object.hasOwn(door, key));
const connects = inDoor('openEvents');
/** What reading messages needs. Whether they must be encrypted counts where one is stored or sent. */
const reads: Uses = (key) => isOfAllDoors(key) && key !== 'requireEncryption';
/** All that a producer needs but to read histories. */
const storesMessages = inDoor('openDeadLetters');
const proxies = named('httpsProxy', 'httpProxy', 'noProxy');
const limits = named('rateLimit', 'pageRateLimit');

/** The settings of each kind of command, derived from the schema, so that a new setting is in the help of its commands. */
export const uses = {
  connection: connects,
  /** Reads messages, too. */
  messages: reads,
  histories: either(reads, named('ledger')),
  deadLetterList: either(reads, named('consoleShowContent')),
  limits: either(connects, limits),
  send: storesMessages,
  notify: either(
    connects,
    named('encryptionKeysFile', 'shutdownMs', 'httpHost', 'httpPort', 'trustedProxies', 'logLevel'),
    named('consoleToken', 'consoleTokensFile'),
    proxies,
  ),
  webhooks: either(connects, proxies),
  worker: either(inDoor('createWorker'), isOfNoDoor, named('ledger')),
  console: either(
    storesMessages,
    limits,
    (key) => isOfNoDoor(key) && !named('hooksFile', 'heartbeatFile')(key),
    named('ledger', 'logLevel'),
  ),
  ledger: either(connects, named('ledger', 'logLevel')),
} satisfies Record<string, Uses>;

/** The names of a variable: its own, and that of the variable for a file with the value. */
export function namesOf({ name, fileName }: Variable): string[] {
  return fileName === undefined ? [name] : [name, fileName];
}
