import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { ConfigError } from '../errors/errors.ts';
import { type Contents, openKeyFile, problemsIn } from '../config/secret-file.ts';
import { parseSealingKeys, type SealingKey, type SealingKeys } from './keys.ts';

/** Whose text it is, and what it is to them: it opens as that and as nothing else. */
export type Belonging = readonly [what: 'message' | 'response' | 'stored', messageId: string, ...more: string[]];

/** Encrypts what messages say, and opens it again. */
export interface Sealing {
  /** Whether anything is encrypted here. */
  readonly hasKeys: boolean;
  /** The encrypted text; `null` without keys: then it stands as it is. */
  seal(text: string, belonging: Belonging): string | null;
  /** The text, or why it can't be had. */
  open(sealed: string, belonging: Belonging): { text: string } | { problem: string };
  /** What tells one request from another, and with keys nothing more of it. */
  requestHash(requestJson: string): string;
  /** Whether a hash is the request's, whichever known key it was made with. */
  isHashOf(requestJson: string, hash: string): boolean;
}

export interface SealingOptions {
  encryptionKeysFile?: string | undefined;
}

const VARIABLE = 'KITECHAT_ENCRYPTION_KEYS_FILE';
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SEALED = /^([\w.-]{1,64})\.([\w-]+)$/;
const LOOK_AGAIN_MS = 1000;

/** Encrypts nothing, and opens nothing that is encrypted. */
export const NO_KEYS: Sealing = createSealing(false, () => undefined);

/**
 * Reads the file with the keys. Whoever seals or opens something finds it read again when it has changed, also at once when
 * a key is unknown. What a broken new version held before stays in use.
 *
 * @param onChange told of each new version
 * @throws ConfigError with all that is wrong with the file. No problem quotes anything of it, or its path.
 */
export function openSealing(
  { encryptionKeysFile: path }: SealingOptions,
  onChange?: (contents: Contents<SealingKeys>) => void,
): Sealing {
  if (path === undefined) return NO_KEYS;
  const file = openKeyFile({ variable: VARIABLE, path, parse: parseSealingKeys });
  const problems = problemsIn(file, file.lookNow());
  if (problems.length > 0) throw new ConfigError(problems);
  let lookedAt = performance.now();

  return createSealing(true, (wanted) => {
    const known = file.current();
    const isMissing = wanted !== undefined && !known?.byId.has(wanted);
    if (!isMissing && performance.now() - lookedAt < LOOK_AGAIN_MS) return known;
    lookedAt = performance.now();
    const contents = file.lookNow();
    if (contents !== null) onChange?.(contents);
    return file.current();
  });
}

/** @param keys the keys as they are now; asked with the id of one that must be there if there is such a key at all */
function createSealing(hasKeys: boolean, keys: (wanted?: string) => SealingKeys | undefined): Sealing {
  return {
    hasKeys,
    seal(text, belonging) {
      const key = keys()?.first;
      return key === undefined ? null : encrypted(text, key, belonging);
    },
    open(sealed, belonging) {
      const [, keyId, body] = SEALED.exec(sealed) ?? [];
      if (keyId === undefined || body === undefined) {
        return { problem: 'what stands for its content was never encrypted' };
      }
      const known = keys(keyId);
      if (known === undefined) {
        return { problem: `its content is encrypted with the key ${keyId}, and ${VARIABLE} is not set` };
      }
      const key = known.byId.get(keyId);
      if (key === undefined) {
        return { problem: `its content is encrypted with the key ${keyId}, which is not in ${VARIABLE}` };
      }
      const text = decrypted(body, key, belonging);
      if (text !== null) return { text };
      return {
        problem: `its encrypted content does not open with the key ${keyId}: it was changed, belongs to another message, or this is another key of that id`,
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

/** `<key id>.<nonce, ciphertext and tag in base64url>` */
function encrypted(text: string, { id, secret }: SealingKey, belonging: Belonging): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, secret, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associatedData(belonging));
  const bytes = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `${id}.${bytes.toString('base64url')}`;
}

/** @returns `null` if it is not what was encrypted, to the last bit. */
function decrypted(body: string, { secret }: SealingKey, belonging: Belonging): string | null {
  const bytes = Buffer.from(body, 'base64url');
  // Node decodes leniently: another text could stand for the same bytes.
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
