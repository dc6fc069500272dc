import { inspect } from 'node:util';

import { describe, expect, it } from 'vitest';

import type * as Errors from '../../../src/shared/errors/errors.ts';
import {
  BulkEnqueueError,
  ConfigError,
  EnqueueUncertainError,
  IdempotencyConflictError,
  InvalidMessageError,
  InvalidSelectionError,
  KitechatSenderError,
  LedgerUnavailableError,
  QueueFullError,
  QueueUnavailableError,
  UnknownPositionError,
} from '../../../src/shared/errors/errors.ts';

const errors = [
  [
    new InvalidMessageError([{ path: 'message.text', message: 'is required' }]),
    'InvalidMessageError',
    'INVALID_MESSAGE',
  ],
  [new QueueUnavailableError('Redis did not answer within 5000 ms'), 'QueueUnavailableError', 'QUEUE_UNAVAILABLE'],
  [new EnqueueUncertainError('0-01J', 'The connection broke'), 'EnqueueUncertainError', 'ENQUEUE_UNCERTAIN'],
  [new QueueFullError({ maxQueued: 5_000_000 }), 'QueueFullError', 'QUEUE_FULL'],
  [new IdempotencyConflictError('0-01J'), 'IdempotencyConflictError', 'IDEMPOTENCY_CONFLICT'],
  [new BulkEnqueueError([{ id: 'a', duplicate: false }]), 'BulkEnqueueError', 'BULK_ENQUEUE'],
  [new ConfigError(['KITECHAT_SHARDS: must be a whole number']), 'ConfigError', 'INVALID_CONFIG'],
  [new InvalidSelectionError(), 'InvalidSelectionError', 'INVALID_SELECTION'],
  [new LedgerUnavailableError('its folder could not be read'), 'LedgerUnavailableError', 'LEDGER_UNAVAILABLE'],
  [new UnknownPositionError(), 'UnknownPositionError', 'UNKNOWN_POSITION'],
] as const;

describe('errors', () => {
  it.each(errors)('are told apart by class, name and code: %s', (error, name, code) => {
    expect(error).toBeInstanceOf(KitechatSenderError);
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.code, error.constructor.name]).toEqual([name, code, name]);
    expect(inspect(error)).toContain(name);
  });

  it('are told apart by class also if another copy of the package has made them', async () => {
    const path: string = '../../../src/shared/errors/errors.ts?copy';
    const copy = (await import(path)) as typeof Errors;
    expect(copy.QueueFullError).not.toBe(QueueFullError);
    const named = Object.entries(copy).filter(([name]) => name !== 'KitechatSenderError');
    for (const [error, name] of errors) {
      expect(error).toBeInstanceOf(copy.KitechatSenderError);
      const knowing = named.filter(([, type]) => error instanceof type).map(([known]) => known);
      expect(knowing).toEqual([name]);
    }
  });

  it('of another program are none of ours, whatever their code', () => {
    const foreign = Object.assign(new Error('full'), { name: 'QueueFullError', code: 'QUEUE_FULL' });
    for (const other of [foreign, null, undefined, 'QUEUE_FULL', { code: 'QUEUE_FULL' }]) {
      expect(other).not.toBeInstanceOf(KitechatSenderError);
      expect(other).not.toBeInstanceOf(QueueFullError);
    }
    class Narrower extends QueueFullError {}
    expect(new QueueFullError({ maxQueued: 1 })).not.toBeInstanceOf(Narrower);
    expect(new Narrower({ maxQueued: 1 })).toBeInstanceOf(Narrower);
  });

  it('of a call that only reads speak of reading, and keep their cause', () => {
    const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    const error = new QueueUnavailableError('Redis can not be reached', { cause });
    expect(error.message).toMatch(/^Redis can not be reached\. Nothing was written\. Check /);
    const whileReading = error.whileReading();
    expect(whileReading.message).toMatch(/^Redis can not be reached\. Nothing could be read\. Check /);
    expect(whileReading.cause).toMatchObject({ code: 'ECONNREFUSED' });
    expect(whileReading.whileReading().message).toBe(whileReading.message);
  });

  it('list every issue of a request with its path', () => {
    const issues = [
      { path: 'pageId', message: 'is required' },
      { path: 'message.url', message: 'must be a valid http or https URL' },
    ];
    const error = new InvalidMessageError(issues);
    expect(error.issues).toEqual(issues);
    for (const { path, message } of issues) expect(error.message).toContain(`${path}: ${message}`);
  });

  it('list every problem of a configuration', () => {
    const error = new ConfigError(['A: is wrong', 'B: is wrong too']);
    expect(error.problems).toEqual(['A: is wrong', 'B: is wrong too']);
    expect(error.message).toContain('A: is wrong\n  - B: is wrong too');
  });

  it('carry the id by which to look a message up', () => {
    const uncertain = new EnqueueUncertainError('0-01J', 'The connection broke');
    expect(uncertain).toMatchObject({ id: '0-01J', message: expect.stringContaining('0-01J') as string });
    expect(new IdempotencyConflictError('0-01K')).toMatchObject({ id: '0-01K' });
  });

  it('count what failed of a batch, and why', () => {
    const results = [
      { id: 'a', duplicate: false },
      { error: new QueueFullError({ maxQueued: 1 }) },
      { error: new QueueFullError({ maxQueued: 1 }) },
    ];
    const error = new BulkEnqueueError(results);
    expect(error.results).toEqual(results);
    expect(error.message).toContain('2 of 3 messages failed (QUEUE_FULL)');
  });

  it('keep nothing of a cause but its name, code and system call', () => {
    const cause = Object.assign(new Error('connect to redis://:hunter2@h'), {
      code: 'ECONNREFUSED',
      syscall: 'connect',
      command: { name: 'auth', args: ['hunter2'] },
    });
    const error = new QueueUnavailableError('Redis can not be reached', { cause });
    expect(error.cause).toMatchObject({ name: 'Error', code: 'ECONNREFUSED', syscall: 'connect' });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hunter2');
  });
});
