import { describeSafely } from './safe-cause.ts';

const UNTRUSTED =
  'its certificate comes from a CA that is not trusted here; set NODE_EXTRA_CA_CERTS to a file with the certificate of that CA';
const NO_TLS = 'it does not use TLS on this port; use redis://, or its TLS port';

/** What the error codes of Node and Redis mean for the configuration. */
const advice: Readonly<Record<string, string>> = {
  WRONGPASS: 'the user or the password in the URL of Redis is wrong',
  NOAUTH: 'it requires a user and a password, as in redis://user:password@host:port',
  NOPERM: 'the Redis user lacks a right; ops/redis-acl/users.acl lists the rights that each role needs',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name than the one in the URL of Redis',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; check the clocks',
  EPROTO: NO_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
};

/** Returns advice on an error of Redis or of its connection, as a clause; `undefined` if the code says enough. */
export function adviceOn(error: unknown): string | undefined {
  const { code } = describeSafely(error);
  return code !== undefined && Object.hasOwn(advice, code) ? advice[code] : undefined;
}
