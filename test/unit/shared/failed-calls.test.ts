import { once } from 'node:events';
import { connect } from 'node:net';
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInternalError, judgeFailedCall } from '../../../src/shared/errors/failed-calls.ts';
import { QueueUnavailableError } from '../../../src/shared/errors/errors.ts';
import { DeadlineError } from '../../../src/shared/redis/deadline.ts';
import { notReadyError } from '../../../src/shared/session/calls.ts';
import { settled } from '../../support/settled.ts';

const SHA = 'b8ee62e0399743d168777e00f7fc4b0877f14b6a';

function reply(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' });
}

function withCode(code: string, syscall?: string): Error {
  return Object.assign(new Error('words of the system'), { code }, syscall === undefined ? {} : { syscall });
}

describe('the error of a call to Redis', () => {
  it.each([
    'Connection is closed.',
    "Stream isn't writeable and enableOfflineQueue options is false",
    "Cluster isn't ready and enableOfflineQueue options is false",
    'Command aborted due to connection close',
    'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
    "Socket timeout. Expecting data, but didn't receive any in 5000ms.",
    'All sentinels are unreachable. Retrying from scratch after 10ms.',
    'Failed to refresh slots cache.',
    'timeout',
    'None of startup nodes is available',
    'Cluster is disconnected.',
    'Cluster is disconnecting.',
    'Cluster is ended.',
    'Node is disconnected',
    'Too many Cluster redirections. Last error: Error: Connection is closed.',
  ])('is of the connection if ioredis says so, whatever a bundler has named its class: %s', (message) => {
    expect(judgeFailedCall(Object.assign(new Error(message), { name: 't' }))).toEqual({
      what: 'lost',
      mayHaveRun: true,
    });
  });

  it.each([
    withCode('ECONNREFUSED', 'connect'),
    withCode('ENOENT', 'connect'),
    withCode('EMFILE', 'connect'),
    withCode('ENOTFOUND', 'getaddrinfo'),
    withCode('ECONNRESET', 'read'),
    withCode('ECONNRESET'),
    withCode('EPIPE', 'write'),
    withCode('ECANCELED', 'read'),
    withCode('EIO', 'read'),
    withCode('ENOBUFS', 'write'),
    withCode('EPERM', 'write'),
    withCode('ETIMEDOUT'),
    withCode('ERR_STREAM_WRITE_AFTER_END'),
    withCode('CERT_HAS_EXPIRED'),
    withCode('ERR_SSL_WRONG_VERSION_NUMBER'),
    withCode('SILENT'),
    withCode('NOT_REDIS'),
    withCode('SENTINELS_AWAY'),
    Object.assign(new AggregateError([], 'no address answered'), { code: 'ECONNREFUSED' }),
  ])('is of the connection if its code is one of sockets, of TLS or of ours: %o', (error) => {
    expect(judgeFailedCall(error)).toEqual({ what: 'lost', mayHaveRun: true });
  });

  it.each([
    'CERT_CHAIN_TOO_LONG',
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'CERT_REJECTED',
    'CERT_REVOKED',
    'CERT_SIGNATURE_FAILURE',
    'CERT_UNTRUSTED',
    'CRL_HAS_EXPIRED',
    'CRL_NOT_YET_VALID',
    'CRL_SIGNATURE_FAILURE',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERROR_IN_CERT_NOT_AFTER_FIELD',
    'ERROR_IN_CERT_NOT_BEFORE_FIELD',
    'ERROR_IN_CRL_LAST_UPDATE_FIELD',
    'ERROR_IN_CRL_NEXT_UPDATE_FIELD',
    'HOSTNAME_MISMATCH',
    'INVALID_CA',
    'INVALID_PURPOSE',
    'OUT_OF_MEM',
    'PATH_LENGTH_EXCEEDED',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
    'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
    'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
    'UNABLE_TO_GET_CRL',
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNSPECIFIED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_SSL_DH_KEY_TOO_SMALL',
  ])('is of the connection, which fails its handshake, if Node refuses a certificate with %s', (code) => {
    expect(judgeFailedCall(withCode(code))).toEqual({ what: 'lost', mayHaveRun: true });
    expect(notReadyError(withCode(code)).message).toMatch(/^The TLS handshake with Redis failed[:.] /);
  });

  it('is of the connection if a real socket gives it', async () => {
    const [refused] = await once(connect(1, '127.0.0.1'), 'error').catch((error: unknown) => [error]);
    expect(judgeFailedCall(refused).what).toBe('lost');
  });

  it('is internal if a file is missing, which is no socket', async () => {
    const { error } = await settled(readFile('/nowhere/clock.lua'));
    expect(error).toMatchObject({ code: 'ENOENT', syscall: 'open' });
    expect(judgeFailedCall(error).what).toBe('internal');
  });

  it.each([
    new TypeError('x is not a function'),
    new RangeError('Maximum call stack size exceeded'),
    withCode('ERR_INVALID_URL'),
    withCode('ERR_INVALID_ARG_TYPE'),
    withCode('EISDIR', 'read'),
    withCode('EBADF', 'read'),
    withCode('EBADF', 'write'),
    withCode('EAGAIN', 'write'),
    withCode('ENOSPC', 'write'),
    withCode('EPERM', 'open'),
    withCode('EIO'),
    new Error('timeout is not a function'),
    withCode('ENOTDIR', 'open'),
    new Error('Missing lock for job 7'),
    new Error('this connection does not know our scripts'),
    'a thrown text',
    undefined,
  ])('is internal if it is anything else: %o', (error) => {
    expect(judgeFailedCall(error)).toEqual({ what: 'internal', mayHaveRun: true });
    expect(isInternalError(error)).toBe(true);
  });

  it('is late if its time was over', () => {
    expect(judgeFailedCall(new DeadlineError('too late'))).toEqual({ what: 'late', mayHaveRun: true });
  });

  it.each([
    'NOAUTH Authentication required.',
    'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
    'MOVED 866 127.0.0.1:7001',
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    "NOPERM this user has no permissions to run the 'zadd' command",
    // Of one message among others, which the script has caught: Redis 6.2, 7.0, and since 7.2.
    "@user_script: 12: The user executing the script can't run this command or subcommand",
    "ERR The user executing the script can't run this command or subcommand",
    "NOPERM ACL failure in script: User x has no permissions to run the 'zadd' command",
    // The first write of a script meets these.
    `OOM command not allowed when used memory > 'maxmemory'. script: ${SHA}, on @user_script:1.`,
    `READONLY You can't write against a read only replica. script: ${SHA}, on @user_script:3.`,
    `MISCONF Redis is configured to save RDB snapshots … script: ${SHA}, on @user_script:3.`,
    `ERR Script killed by user with SCRIPT KILL... script: ${SHA}, on @user_script:1.`,
    'ERR Error running script (call to f_7f92): @user_script:1: Script killed by user with SCRIPT KILL...',
  ])('is a refusal that has carried out nothing: %s', (message) => {
    expect(judgeFailedCall(reply(message))).toEqual({ what: 'refused', mayHaveRun: false });
  });

  it.each([
    `WRONGTYPE Operation against a key holding the wrong kind of value script: ${SHA}, on @user_script:9.`,
    'ERR Error running script (call to f_7f92): @user_script:9: @user_script: 9: WRONGTYPE Operation against a key holding …',
    // A missing right: Redis 6.2, 7.0, and since 7.2.
    "ERR Error running script (call to f_7f92): @user_script:9: @user_script: 9: The user executing the script can't run this command or subcommand",
    `ERR The user executing the script can't run this command or subcommand script: ${SHA}, on @user_script:9.`,
    `ERR The user executing the script can't access at least one of the keys mentioned in the command arguments script: ${SHA}, on @user_script:9.`,
    `NOPERM ACL failure in script: User x has no permissions to run the 'zadd' command script: ${SHA}, on @user_script:9.`,
  ])('is the refusal of a command in a script, whose earlier commands stay carried out: %s', (message) => {
    expect(judgeFailedCall(reply(message))).toEqual({ what: 'refused', mayHaveRun: true });
  });

  it.each([
    `ERR user_script:1: attempt to index local 'a' (a nil value) script: ${SHA}, on @user_script:1.`,
    `ERR user_script:1: Script attempted to access nonexistent global variable 'foo' script: ${SHA}, on @user_script:1.`,
    `ERR Wrong number of args calling Redis command from script script: ${SHA}, on @user_script:1.`,
    "ERR Error running script (call to f_7f92): @user_script:1: user_script:1: attempt to index local 'a' (a nil value)",
    // Of one message among others, which the script has caught.
    "user_script:1: attempt to index local 'a' (a nil value)",
  ])('is internal if a script fails by itself, and it may have written: %s', (message) => {
    expect(judgeFailedCall(reply(message))).toEqual({ what: 'internal', mayHaveRun: true });
  });

  it.each([
    "ERR Error compiling script (new function): user_script:1: '=' expected near 'x'",
    'NOSCRIPT No matching script. Please use EVAL.',
  ])('is internal if a script could not even begin: %s', (message) => {
    expect(judgeFailedCall(reply(message))).toEqual({ what: 'internal', mayHaveRun: false });
  });

  it('is judged for any thrown value, and only errors of Redis are refusals', () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        expect(['internal', 'lost']).toContain(judgeFailedCall(thrown).what);
      }),
    );
  });

  it('is internal inside an error of ours only if that says so', () => {
    const cause = new TypeError('x');
    expect(isInternalError(new QueueUnavailableError('x', { cause }))).toBe(false);
    expect(isInternalError(new QueueUnavailableError('x', { cause, isInternal: true }))).toBe(true);
  });
});
