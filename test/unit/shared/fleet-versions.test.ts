import { describe, expect, it } from 'vitest';
import { describeVersions } from '../../../src/shared/reading/shard-status.ts';

const workers = (...versions: string[]): { version: string }[] => versions.map((version) => ({ version }));

describe('the versions of a fleet', () => {
  it('are not worth a word if there is only one, or no worker', () => {
    expect(describeVersions([])).toBeNull();
    expect(describeVersions(workers('0.2.0', '0.2.0'))).toBeNull();
  });

  it('are told with the number of their workers', () => {
    expect(describeVersions(workers('0.2.1', '0.2.0', '0.2.0'))).toBe('0.2.0 (2), 0.2.1 (1)');
  });
});
