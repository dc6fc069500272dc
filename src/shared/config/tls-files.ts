import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
// As a whole: a Node that lacks one of the names would fail at this line, before anything can say that it is too old.
import * as tls from 'node:tls';
import { ConfigError } from '../errors/errors.ts';
import { describeSafely } from '../errors/safe-cause.ts';
import { unreadableFile, valueInFile } from './secret-file.ts';

/** What a TLS connection uses beyond the defaults, as options of `node:tls`. */
export interface TlsOptions {
  ca?: string[];
  cert?: string;
  key?: string;
}

/** A PEM file, and the variable that names it. */
export interface PemFile {
  variable: string;
  path: string | undefined;
}

/** The files of a private authority, of a client certificate and of its key. */
export interface TlsFiles {
  ca: PemFile;
  cert: PemFile;
  key: PemFile;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs;

/**
 * Reads certificates and the key. Those of `ca` are trusted in addition to the usual ones.
 *
 * @throws ConfigError with all problems of the files. No problem quotes a path or a file.
 */
export function readTlsFiles(files: TlsFiles): TlsOptions {
  const problems: string[] = [];
  const read = ({ variable, path }: PemFile, problemIn: (text: string) => string | null): string | undefined => {
    if (path === undefined) return undefined;
    try {
      const found = valueInFile(readFileSync(path, 'utf8'));
      const problem = 'problem' in found ? found.problem : problemIn(found.value);
      if ('value' in found && problem === null) return found.value;
      problems.push(`${variable}: ${problem}`);
    } catch (error) {
      problems.push(`${variable}: ${unreadableFile(error).problem}`);
    }
    return undefined;
  };

  const ca = read(files.ca, problemInCertificates);
  const cert = read(files.cert, problemInCertificates);
  const key = read(files.key, problemInKey);
  if (cert !== undefined && key !== undefined) problems.push(...problemsInPair({ cert, key }, files));
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    // With `ca`, node:tls trusts nothing else.
    ...(ca === undefined ? {} : { ca: [...tls.getCACertificates('default'), ...certificatesIn(ca)] }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

function problemsInPair(pair: { cert: string; key: string }, files: TlsFiles): string[] {
  if (!new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key))) {
    return [`${files.key.variable}: is not the key of the certificate in ${files.cert.variable}`];
  }
  try {
    tls.createSecureContext(pair);
    return [];
  } catch (error) {
    // Thrown when a connection is opened, this error would end the client: it would make no other attempt.
    const { code, name } = describeSafely(error);
    return [`${files.cert.variable}: names a certificate that TLS can't use here (${code ?? name})`];
  }
}

function certificatesIn(text: string): string[] {
  return text.match(CERTIFICATE) ?? [];
}

function problemInCertificates(text: string): string | null {
  const certificates = certificatesIn(text);
  if (certificates.length === 0) return 'names a file without a certificate in PEM format';
  return certificates.every(canBeRead) ? null : 'names a file with a certificate that is damaged';
}

function canBeRead(certificate: string): boolean {
  try {
    return new X509Certificate(certificate).subject !== null;
  } catch {
    return false;
  }
}

function problemInKey(text: string): string | null {
  if (/^(?:-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED)/m.test(text)) {
    return 'names a key with a passphrase: store it without one, and protect the file instead';
  }
  try {
    createPrivateKey(text);
    return null;
  } catch {
    return 'names a file without a private key in PEM format';
  }
}
