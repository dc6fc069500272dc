const UNTRUSTED =
  'its certificate comes from a CA that is not trusted here; set redisCaFile (REDIS_CA_FILE) to a file with the certificate of that CA';
const OTHER_HOST = 'its certificate is for another host name than the one in the URL of Redis';
// Node gives the last code of a chain, so an issuer that is no CA also has the code of a wrong purpose.
const UNFIT =
  'its certificate is not for servers, or its issuer is no CA; an extendedKeyUsage has to name serverAuth, and the basicConstraints of the CA have to say CA:TRUE';
const TOO_DEEP = 'there are more CAs between its certificate and a trusted one than those allow (pathlen)';
const DAMAGED = 'its certificate, or that of its CA, is damaged; create it anew';
const NO_CLIENT_CERTIFICATE =
  'it asks for a client certificate; set redisCertFile and redisKeyFile (REDIS_CERT_FILE and REDIS_KEY_FILE)';
const NO_TLS = 'it does not use TLS on this port; use redis://, or its TLS port';

/** What the error codes of TLS mean for the configuration. */
export const tlsAdvice: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_SIGNATURE_FAILURE:
    'its certificate is not signed by the CA of that name which is trusted here; set redisCaFile (REDIS_CA_FILE) to a file with the certificate of its CA',
  ERR_TLS_CERT_ALTNAME_INVALID: OTHER_HOST,
  HOSTNAME_MISMATCH: OTHER_HOST,
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; check the clocks',
  CERT_REVOKED: 'its certificate is revoked; give it another one',
  INVALID_PURPOSE: UNFIT,
  INVALID_CA: UNFIT,
  PATH_LENGTH_EXCEEDED: TOO_DEEP,
  CERT_CHAIN_TOO_LONG: TOO_DEEP,
  ERROR_IN_CERT_NOT_AFTER_FIELD: DAMAGED,
  ERROR_IN_CERT_NOT_BEFORE_FIELD: DAMAGED,
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: DAMAGED,
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: DAMAGED,
  UNSPECIFIED:
    'OpenSSL refuses its certificate, or that of its CA, for a reason that Node does not name, most often a key or a hash that is too weak; RSA keys need 2048 bits, and "openssl verify" names the reason',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: NO_CLIENT_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: NO_CLIENT_CERTIFICATE,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'it does not trust the CA of our client certificate',
  EPROTO: NO_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
};

/** Codes for which there is no advice. With the others, these are all that Node has for certificates: "X509 certificate error codes" in its docs. */
const OTHER_CODES = new Set([
  'CERT_REJECTED',
  'CERT_UNTRUSTED',
  'CRL_HAS_EXPIRED',
  'CRL_NOT_YET_VALID',
  'CRL_SIGNATURE_FAILURE',
  'ERROR_IN_CRL_LAST_UPDATE_FIELD',
  'ERROR_IN_CRL_NEXT_UPDATE_FIELD',
  'OUT_OF_MEM',
  'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
  'UNABLE_TO_GET_CRL',
]);

/** Whether an error with this code is one of TLS: of a handshake, or of a certificate. */
export function isTlsCode(code: string): boolean {
  return /^ERR_(?:SSL|TLS)_/.test(code) || Object.hasOwn(tlsAdvice, code) || OTHER_CODES.has(code);
}
