import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startBrokenServer } from './broken-server.ts';

const script = fileURLToPath(new URL('exchanges-process.ts', import.meta.url));

it('an exchange leaves nothing behind that keeps its process alive', async () => {
  const answering = await startBrokenServer();
  const silent = await startBrokenServer({ answer: () => {} });
  const refusing = await startBrokenServer({
    connected(socket) {
      socket.destroy();
      return 'taken';
    },
  });
  const origins = [answering.origin, silent.origin, refusing.origin];
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...origins], { timeout: 15_000 });
  expect(stdout.trim().split('\n')).toEqual([
    '200',
    'connection',
    'lock-too-short',
    'aborted',
    'aborted',
    '200',
    '200',
    '200',
  ]);
});
