import { describe, expect, it } from 'vitest';

import { loadConfig } from '../../../src/shared/config/config.ts';
import { servedShards } from '../../../src/shared/config/shard-list.ts';
import { createWorker } from '../../../src/worker/index.ts';
import { problemsIn } from './config-problems.ts';

describe('KITECHAT_SERVE_SHARDS', () => {
  const served = (list: string): number[] =>
    servedShards(loadConfig({ KITECHAT_SHARDS: '8', KITECHAT_SERVE_SHARDS: list }));

  it('names single shards and ranges of them, each once; all of them if it is not set', () => {
    expect(served('')).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(served('all')).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(served('0')).toEqual([0]);
    expect(served('5-7, 0,2,6')).toEqual([0, 2, 5, 6, 7]);
  });

  it.each(['-1', '1-', '3-1', 'none', '1;2', '1,,2', '1.5', '1000'])('may not be %j', (list) => {
    expect(problemsIn({ KITECHAT_SHARDS: '8', KITECHAT_SERVE_SHARDS: list })).toEqual([
      'KITECHAT_SERVE_SHARDS: must be "all", or shard numbers and ranges, such as 0,2,5-7',
    ]);
  });

  it('may only name shards that are there', () => {
    expect(problemsIn({ KITECHAT_SHARDS: '8', KITECHAT_SERVE_SHARDS: '0,6-8' })).toEqual([
      'KITECHAT_SERVE_SHARDS: names a shard that does not exist: shards have the numbers from 0 to KITECHAT_SHARDS - 1',
    ]);
    expect(problemsIn({ KITECHAT_SERVE_SHARDS: '1' })).toHaveLength(1);
  });

  it('may not name more shards than the worker has places', () => {
    const options = { apiKey: 'key', shards: 8, concurrency: 3 };
    expect(() => createWorker(options)).toThrow(/concurrency is 3, but this worker serves 8 shards.* with serveShards/);
    expect(() => createWorker({ ...options, serveShards: '1-3' })).not.toThrow();
  });
});
