import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { MAX_ISSUES } from '../validation/issues.ts';
import { withoutMark } from '../config/given-text.ts';
import { type Contents, valueInFile } from '../config/secret-file.ts';

/** An encryption key of the file. */
export interface SealingKey {
  id: string;
  /** The key that encrypts. */
  secret: KeyObject;
  /** A key derived from `secret`, for hashes from which nobody without the key can guess content. */
  hashing: KeyObject;
}

export interface SealingKeys {
  /** The key with which new content is encrypted. */
  first: SealingKey;
  byId: ReadonlyMap<string, SealingKey>;
}

const FORM = '{ "<key id>": "<32 bytes in base64>" }';
const KEY_BYTES = 32;
const KEY_ID = /^[\w.-]{1,64}$/;
const KEY_ID_RULE = 'must be 1 to 64 letters, digits, "-", "_" or "."';
const KEY_RULE = 'must be 32 bytes in base64, as "openssl rand -base64 32" prints them';
const JSON_STRING = /"(?:[^"\\]|\\.)*"/g;

/** Reads a JSON object of key ids and keys. */
export function parseSealingKeys(contents: string): Contents<SealingKeys> {
  const text = withoutMark(contents);
  const file = valueInFile(text);
  if ('problem' in file) return { problems: [file.problem] };
  const entries = entriesOf(text);
  if (entries === null) return { problems: [`names a file that is not a JSON object of the form ${FORM}`] };
  const byId = new Map<string, SealingKey>();
  const problems: string[] = [];
  for (const { id, key, place } of entries) {
    const bytes = bytesOf(key);
    if (!KEY_ID.test(id)) problems.push(`${place}: the key id ${KEY_ID_RULE}`);
    if (byId.has(id)) problems.push(`${place}: the key id is a duplicate`);
    if (bytes === null) problems.push(`${place}: the key ${KEY_RULE}`);
    else byId.set(id, keyOf(id, bytes));
    if (problems.length >= MAX_ISSUES) break;
  }
  const [first] = byId.values();
  if (problems.length > 0) return { problems };
  return first ? { value: { first, byId } } : { problems: [`names a file without a key; its form is ${FORM}`] };
}

interface Entry {
  id: string;
  key: string;
  /** The position, to report instead of the id: in a file that has ids and keys the wrong way round, the id is a key. */
  place: string;
}

/**
 * Returns the entries in the order of the text, because the first key encrypts. `JSON.parse` would move ids that are numbers to the
 * front, and keep only the last of two entries with the same id.
 */
function entriesOf(text: string): Entry[] | null {
  if (!isObjectOfStrings(text)) return null;
  const strings = [...text.matchAll(JSON_STRING)];
  return strings.flatMap((string, at) => {
    const key = strings[at + 1];
    if (at % 2 === 1 || key === undefined) return [];
    return [{ id: valueOf(string), key: valueOf(key), place: placeOf(string.index, text) }];
  });
}

function isObjectOfStrings(text: string): boolean {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return false;
    // `JSON.parse` keeps `__proto__` as a normal key, so its value is checked, too.
    return Object.values(json).every((value) => typeof value === 'string');
  } catch {
    return false;
  }
}

function valueOf([json]: RegExpExecArray): string {
  return JSON.parse(json) as string;
}

function placeOf(start: number, text: string): string {
  const before = text.slice(0, start).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** Node decodes any text as base64, so only a text that encodes to itself again is accepted. */
function bytesOf(key: string): Buffer | null {
  const bytes = Buffer.from(key, 'base64');
  return bytes.length === KEY_BYTES && bytes.toString('base64') === key ? bytes : null;
}

function keyOf(id: string, bytes: Buffer): SealingKey {
  const hashing = hkdfSync('sha256', bytes, '', 'kitechat-sender request hash', KEY_BYTES);
  return { id, secret: createSecretKey(bytes), hashing: createSecretKey(Buffer.from(hashing)) };
}
