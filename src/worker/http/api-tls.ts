import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { getCACertificates } from 'node:tls';
import { unreadableFile } from '../../shared/config/secret-file.ts';
import { ConfigError } from '../../shared/errors/errors.ts';

/** What a TLS connection to the API uses beyond the defaults, as options of `node:tls`. */
export interface ApiTls {
  ca?: string[];
  cert?: string;
  key?: string;
}

export interface ApiTlsSettings {
  apiCaFile?: string | undefined;
  apiCertFile?: string | undefined;
  apiCertKeyFile?: string | undefined;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs;

/**
 * Reads the certificates for the API. Those of `apiCaFile` are trusted in addition to the usual ones.
 *
 * @throws ConfigError with all problems of the files. No problem quotes a path or a file.
 */
export async function readApiTls({ apiCaFile, apiCertFile, apiCertKeyFile }: ApiTlsSettings): Promise<ApiTls> {
  const problems: string[] = [];
  const read = async (variable: string, path: string | undefined, problemIn: (text: string) => string | null) => {
    if (path === undefined) return undefined;
    try {
      const text = await readFile(path, 'utf8');
      const problem = problemIn(text);
      if (problem === null) return text;
      problems.push(`${variable}: ${problem}`);
    } catch (error) {
      problems.push(`${variable}: ${unreadableFile(error).problem}`);
    }
    return undefined;
  };

  const ca = await read('KITECHAT_API_CA_FILE', apiCaFile, problemInCertificates);
  const cert = await read('KITECHAT_API_CERT_FILE', apiCertFile, problemInCertificates);
  const key = await read('KITECHAT_API_CERT_KEY_FILE', apiCertKeyFile, problemInKey);
  if (cert !== undefined && key !== undefined && !new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    problems.push('KITECHAT_API_CERT_KEY_FILE: is not the key of the certificate in KITECHAT_API_CERT_FILE');
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    // With `ca`, node:tls trusts nothing else.
    ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ...certificatesIn(ca)] }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
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
