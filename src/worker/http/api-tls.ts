import { readTlsFiles, type TlsOptions } from '../../shared/config/tls-files.ts';

/** What a TLS connection to the API uses beyond the defaults. */
export type ApiTls = TlsOptions;

export interface ApiTlsSettings {
  apiCaFile?: string | undefined;
  apiCertFile?: string | undefined;
  apiCertKeyFile?: string | undefined;
}

/**
 * Reads the certificates for the API.
 *
 * @throws ConfigError with all problems of the files.
 */
export function readApiTls({ apiCaFile, apiCertFile, apiCertKeyFile }: ApiTlsSettings): ApiTls {
  return readTlsFiles({
    ca: { variable: 'KITECHAT_API_CA_FILE', path: apiCaFile },
    cert: { variable: 'KITECHAT_API_CERT_FILE', path: apiCertFile },
    key: { variable: 'KITECHAT_API_CERT_KEY_FILE', path: apiCertKeyFile },
  });
}
