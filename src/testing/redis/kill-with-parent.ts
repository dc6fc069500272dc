import { spawn } from 'node:child_process';

// `read` gets a line when the child has ended, and the end of the pipe when the parent is gone, however the parent ended.
const WATCH = 'read -r line || { kill -9 "$1"; if [ -n "$2" ]; then rm -rf "$2"; fi; }';

/**
 * Makes sure that a child doesn't outlive this process, even if this process is killed with SIGKILL: a shell waits for the
 * end of a pipe that only this process holds open.
 *
 * @param folder removed together with the child, or `null`
 * @returns a function to call as soon as the child has ended, before another process can get its id.
 */
export function killWithParent(pid: number, folder: string | null): () => void {
  const watcher = spawn('sh', ['-c', WATCH, 'sh', String(pid), folder ?? ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // Without a shell the parent still ends the child; only a killed parent would leave it behind.
  watcher.on('error', ignore);
  watcher.stdin.on('error', ignore);
  watcher.unref();
  return () => watcher.stdin.end('done\n');
}

function ignore(): void {}
