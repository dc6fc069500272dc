import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { ConfigError } from '../errors/errors.ts';
import { type Contents, openKeyFile, problemsIn } from '../config/secret-file.ts';
import { parseSealingKeys, type SealingKey, type SealingKeys } from './encryption-keys.ts';

/** What an encrypted text is, and the message it belongs to. The text can be decrypted only with the same values. */
export type Belonging = readonly [what: 'message' | 'response' | 'stored', messageId: string, ...more: string[]];

/** Why a text can't be decrypted. */
export interface Closed {
  problem: string;
  /** The id of the key that is missing here, and may come later. */
  missingKey?: string;
}

/** Encrypts and decrypts the content of messages. */
export interface Sealing {
  /** Whether there are keys. */
  readonly hasKeys: boolean;
  /** Whether messages that are not encrypted are refused. */
  readonly isRequired: boolean;
  /** Returns the encrypted text; `null` without keys: then the text is stored unencrypted. */
  seal(text: string, belonging: Belonging): string | null;
  /** Returns the decrypted text, or why it can't be decrypted. */
  open(sealed: string, belonging: Belonging): { text: string } | Closed;
  /** Returns a hash of a request. With keys, the hash reveals nothing about the request. */
  requestHash(requestJson: string): string;
  /** Whether the hash belongs to the request, with whichever known key it was made. */
  isHashOf(requestJson: string, hash: string): boolean;
}

export interface SealingOptions {
  encryptionKeysFile?: string | undefined;
  requireEncryption?: boolean | undefined;
}

const VARIABLE = 'KITECHAT_ENCRYPTION_KEYS_FILE';
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SEALED = /^([\w.-]{1,64})\.([\w-]+)$/;
const LOOK_AGAIN_MS = 1000;

/** Without keys: encrypts nothing and can decrypt nothing. */
export const NO_KEYS: Sealing = createSealing({ hasKeys: false, isRequired: false }, () => undefined);

const REQUIRED_WITHOUT_KEYS: Sealing = createSealing({ hasKeys: false, isRequired: true }, () => undefined);

/** @throws ConfigError if messages must be encrypted, and there are no keys for it. */
export function demandKeysIfRequired({ hasKeys, isRequired }: Sealing): void {
  if (hasKeys || !isRequired) return;
  throw new ConfigError([
    `KITECHAT_REQUIRE_ENCRYPTION is true, but ${VARIABLE} is not set: set it to a file with the encryption keys`,
  ]);
}

/**
 * Reads the file with the keys. Sealing and opening check at most once a second whether it has changed, and at once if a key is unknown.
 * If a new version is not valid, the keys from before stay in use.
 *
 * @param onChange called with each new version
 * @throws ConfigError with all problems of the file. No problem quotes the file or its path.
 */
export function openSealing(
  { encryptionKeysFile: path, requireEncryption: isRequired = false }: SealingOptions,
  onChange?: (contents: Contents<SealingKeys>) => void,
): Sealing {
  if (path === undefined) return isRequired ? REQUIRED_WITHOUT_KEYS : NO_KEYS;
  const file = openKeyFile({ variable: VARIABLE, path, parse: parseSealingKeys });
  const problems = problemsIn(file, file.lookNow());
  if (problems.length > 0) throw new ConfigError(problems);
  let lookedAt = performance.now();

  return createSealing({ hasKeys: true, isRequired }, (wanted) => {
    const known = file.current();
    const isMissing = wanted !== undefined && !known?.byId.has(wanted);
    if (!isMissing && performance.now() - lookedAt < LOOK_AGAIN_MS) return known;
    lookedAt = performance.now();
    const contents = file.lookNow();
    if (contents !== null) onChange?.(contents);
    return file.current();
  });
}

/** @param keys returns the current keys; with an id it reads the file again if the key is missing */
function createSealing(
  facts: Pick<Sealing, 'hasKeys' | 'isRequired'>,
  keys: (wanted?: string) => SealingKeys | undefined,
): Sealing {
  return {
    ...facts,
    seal(text, belonging) {
      const key = keys()?.first;
      return key === undefined ? null : encrypted(text, key, belonging);
    },
    open(sealed, belonging) {
      const [, keyId, body] = SEALED.exec(sealed) ?? [];
      if (keyId === undefined || body === undefined) {
        return { problem: 'its content is not in our encrypted format' };
      }
      const known = keys(keyId);
      if (known === undefined) {
        return {
          problem: `its content is encrypted with the key ${keyId}, but ${VARIABLE} is not set`,
          missingKey: keyId,
        };
      }
      const key = known.byId.get(keyId);
      if (key === undefined) {
        return {
          problem: `its content is encrypted with the key ${keyId}, which is not in ${VARIABLE}`,
          missingKey: keyId,
        };
      }
      const text = decrypted(body, key, belonging);
      if (text !== null) return { text };
      return {
        problem: `its content can't be decrypted with the key ${keyId}: the content was changed or belongs to another message, or this is another key with that id`,
      };
    },
    requestHash(requestJson) {
      const key = keys()?.first;
      return key === undefined ? plainHash(requestJson) : keyedHash(requestJson, key);
    },
    isHashOf(requestJson, hash) {
      const [, keyId] = SEALED.exec(hash) ?? [];
      if (keyId === undefined) return hash === plainHash(requestJson);
      const key = keys(keyId)?.byId.get(keyId);
      return key !== undefined && hash === keyedHash(requestJson, key);
    },
  };
}

/** Returns `<key id>.<nonce, ciphertext and tag in base64url>`. */
function encrypted(text: string, { id, secret }: SealingKey, belonging: Belonging): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, secret, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associatedData(belonging));
  const bytes = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `${id}.${bytes.toString('base64url')}`;
}

/** @returns `null` if the bytes are not exactly those that were encrypted. */
function decrypted(body: string, { secret }: SealingKey, belonging: Belonging): string | null {
  const bytes = Buffer.from(body, 'base64url');
  // Node decodes leniently, so another text could decode to the same bytes.
  if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== body) return null;
  const decipher = createDecipheriv(CIPHER, secret, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(associatedData(belonging));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
    return Buffer.concat([text, decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}

function associatedData(belonging: Belonging): Buffer {
  return Buffer.from(JSON.stringify(belonging));
}

function plainHash(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function keyedHash(text: string, { id, hashing }: SealingKey): string {
  return `${id}.${createHmac('sha256', hashing).update(text).digest('base64url')}`;
}
