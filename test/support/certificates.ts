import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Files of a private CA, and of a server certificate for 127.0.0.1 that it has issued. */
export interface Certificates {
  ca: string;
  caKey: string;
  cert: string;
  key: string;
  [Symbol.dispose](): void;
}

const DAYS = '2';
const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Creates the files with openssl, as an operator would. */
export function makeCertificates(names = 'IP:127.0.0.1,DNS:localhost'): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'kitechat-tls-'));
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' });
  const [ca, caKey] = [file('ca.crt'), file('ca.key')];
  openssl('req', '-x509', ...CURVE, '-keyout', caKey, '-out', ca, '-days', DAYS, '-subj', '/CN=a CA for tests');
  const [cert, key, request, extensions] = [file('redis.crt'), file('redis.key'), file('redis.csr'), file('names')];
  openssl('req', ...CURVE, '-keyout', key, '-out', request, '-subj', '/CN=a Redis for tests');
  writeFileSync(extensions, `subjectAltName=${names}\n`);
  const signed = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-days', DAYS, '-extfile', extensions];
  openssl('x509', '-req', '-in', request, '-out', cert, ...signed);
  return { ca, caKey, cert, key, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}
