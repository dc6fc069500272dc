import { describe, expect, it } from 'vitest';
import { describeStatus } from '../../../src/cli/commands/describe-status.ts';
import type { Status } from '../../../src/shared/reading/status.ts';
import { calmStatus } from '../../support/calm-status.ts';

const statusWith = (...versions: string[]): Status => ({
  ...calmStatus,
  workers: versions.map((version, n) => ({
    id: `host-${n}`,
    version,
    since: '2026-11-22T10:00:00.000Z',
    concurrency: 50,
    sending: 0,
  })),
});

describe('status for people', () => {
  it('says in one line that the workers run different versions', () => {
    const lines = describeStatus(statusWith('0.2.0', '0.2.1', '0.2.0')).split('\n');
    expect(lines.at(-1)).toBe('The workers run different versions: 0.2.0 (2), 0.2.1 (1).');
  });

  it('says nothing of it if all run the same one', () => {
    expect(describeStatus(statusWith('0.2.0', '0.2.0'))).not.toContain('different versions');
  });
});
