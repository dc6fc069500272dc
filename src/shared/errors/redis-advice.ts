import { describeSafely } from './safe-cause.ts';

const UNTRUSTED =
  'its certificate comes from a CA that is not trusted here; name the file of that CA in NODE_EXTRA_CA_CERTS';
const NO_TLS = 'it does not speak TLS there; use redis://, or the port that does';

/** What the codes of Node and Redis mean to whoever set things up. */
const advice: Readonly<Record<string, string>> = {
  WRONGPASS: 'the user or the password in the URL of Redis is wrong',
  NOAUTH: 'it wants a user and a password, as in redis://user:password@host:port',
  NOPERM: 'the Redis user lacks a right; ops/redis-acl/users.acl has what each role needs',
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

/** What to do about an error of Redis or of the way to it, as a clause; nothing where the code says enough. */
export function adviceOn(error: unknown): string | undefined {
  const { code } = describeSafely(error);
  return code !== undefined && Object.hasOwn(advice, code) ? advice[code] : undefined;
}
