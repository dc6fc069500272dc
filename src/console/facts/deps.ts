import type { Hono } from 'hono';
import type { AccessEnv } from '../http/visitors.ts';
import type { DeadLetters } from '../../dead-letters/index.ts';
import type { Config } from '../../shared/config/config.ts';
import type { Ledger } from '../../shared/ledger/ledger.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { Session } from '../../shared/session/session.ts';

/** What the console reads and changes things with. It never uses a worker's connections. */
export interface DeskDeps {
  config: Config;
  /** For reading and for single changes. Made with a short `enqueueTimeoutMs`, so that a page appears quickly when Redis is away. */
  session: Session;
  deadLetters: DeadLetters;
  /** Where messages are known that Redis has forgotten, if there is one. */
  ledger?: Pick<Ledger, 'read'> | null | undefined;
  log: Logger;
  /** Aborted when the process ends: a replay or discard of many stops cleanly. */
  closing?: AbortSignal | undefined;
}

/** The pages of the console, behind the guard. */
export type DeskApp = Hono<AccessEnv>;

/** Short enough that a page appears within two seconds, also when Redis is away. */
export const READ_TIMEOUT_MS = 1500;
