import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { familyProcessorTimeUs, processorTimeUs } from '../../../bench/stage/processor-time.ts';

const BUSY = 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done';

describe.runIf(process.platform === 'linux')('the processor time of a process', () => {
  it('includes that of its children, while they live and after they have ended, only if it is asked for', async () => {
    const parent = spawn('sh', ['-c', `sh -c '${BUSY}; echo; read -r line'; echo; read -r line`], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const { pid = 0 } = parent;
    try {
      await once(parent.stdout, 'data');
      const whileItLives = familyProcessorTimeUs(pid);
      const ownUs = processorTimeUs(pid);
      expect(whileItLives).toBeGreaterThan(ownUs + 10_000);
      parent.stdin.write('go on\n');
      await once(parent.stdout, 'data');
      const afterItEnded = familyProcessorTimeUs(pid);
      expect(afterItEnded).toBeGreaterThanOrEqual(whileItLives);
      expect(processorTimeUs(pid)).toBeLessThan(afterItEnded);
    } finally {
      parent.kill('SIGKILL');
    }
  });
});
