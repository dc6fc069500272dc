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

/** What differs from a certificate that clients take, each as options or extensions of openssl. */
export interface CertificateFaults {
  /** The key of the server. */
  newKey?: readonly string[];
  /** What the certificate of the server has besides its names. */
  extension?: string;
  /** What the certificate of the CA has. */
  ofCa?: readonly string[];
}

/** Creates the files with openssl, as an operator would. */
export function makeCertificates(
  names = 'IP:127.0.0.1,DNS:localhost',
  { newKey = CURVE, extension = '', ofCa = [] }: CertificateFaults = {},
): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'kitechat-tls-'));
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' });
  const [ca, caKey] = [file('ca.crt'), file('ca.key')];
  openssl(
    'req',
    '-x509',
    ...CURVE,
    '-keyout',
    caKey,
    '-out',
    ca,
    '-days',
    DAYS,
    '-subj',
    '/CN=a CA for tests',
    ...ofCa,
  );
  const [cert, key, request, extensions] = [file('redis.crt'), file('redis.key'), file('redis.csr'), file('names')];
  openssl('req', ...newKey, '-keyout', key, '-out', request, '-subj', '/CN=a Redis for tests');
  writeFileSync(extensions, `subjectAltName=${names}\n${extension}\n`);
  const signed = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-days', DAYS, '-extfile', extensions];
  openssl('x509', '-req', '-in', request, '-out', cert, ...signed);
  return { ca, caKey, cert, key, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}
