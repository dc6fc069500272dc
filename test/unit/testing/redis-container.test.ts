import { describe, expect, it } from 'vitest';
import { startRedisContainer } from '../../../src/testing/redis/redis-container.ts';

const options = { args: [], port: undefined };

describe('startRedisContainer without what it takes', () => {
  it('says that testcontainers is not installed', async () => {
    const notInstalled = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    const result = await startRedisContainer(options, () => Promise.reject(notInstalled));
    expect(result).toEqual({ missing: 'the package testcontainers is not installed', cause: notInstalled });
  });

  it('says that no engine answers', async () => {
    const noEngine = new Error('Could not find a working container runtime strategy');
    const testcontainers = await import('testcontainers');
    const load = () =>
      Promise.resolve({ ...testcontainers, getContainerRuntimeClient: () => Promise.reject(noEngine) });
    expect(await startRedisContainer(options, load)).toEqual({
      missing: 'no container engine answers',
      cause: noEngine,
    });
  });
});
