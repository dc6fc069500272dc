import { join } from 'node:path';
import type { Role } from '../../src/console/rights/rights.ts';
import { type ConsoleVisitor, createVisitor, type PageAnswer } from './console.ts';
import { replaceFile } from './replace-file.ts';

/** An entry of a file of tokens. */
interface TokenEntry {
  name: string;
  token: string;
  role: Role;
  pages?: string[];
}

export function tokenOf(name: string): string {
  return `token-of-${name}-0123456789`;
}

/** Tokens for all pages named `viewer`, `operator` and `admin`, and for the page p1 named `viewer-of-p1` and so on. */
const tokensOfRoles: TokenEntry[] = [
  { name: 'viewer', token: tokenOf('viewer'), role: 'view' },
  { name: 'operator', token: tokenOf('operator'), role: 'operate' },
  { name: 'admin', token: tokenOf('admin'), role: 'admin' },
  { name: 'viewer-of-p1', token: tokenOf('viewer-of-p1'), role: 'view', pages: ['p1'] },
  { name: 'operator-of-p1', token: tokenOf('operator-of-p1'), role: 'operate', pages: ['p1'] },
  { name: 'admin-of-p1', token: tokenOf('admin-of-p1'), role: 'admin', pages: ['p1'] },
];

let files = 0;

/** @returns the path of the file */
export function writeTokens(folder: string, tokens: readonly unknown[] = tokensOfRoles): string {
  const path = join(folder, `tokens-${(files += 1)}.json`);
  replaceFile(path, JSON.stringify(tokens));
  return path;
}

/** Somebody with a token, as a tool sends it. */
export function visitorWith(url: string, name: string): Pick<ConsoleVisitor, 'get' | 'post'> {
  const visitor = createVisitor(url);
  const headers = { authorization: `Bearer ${tokenOf(name)}` };
  return {
    get: (path): Promise<PageAnswer> => visitor.get(path, headers),
    post: (path, fields): Promise<PageAnswer> => visitor.post(path, fields, headers),
  };
}
