import { spawn } from 'node:child_process';

// `read` gets a line when there is nothing left to do, and the end of the pipe when the parent is gone, however it ended.
const WATCH = 'read -r line || { kill -9 "$1"; if [ -n "$2" ]; then rm -rf "$2"; fi; }';

/**
 * Makes sure that a child doesn't outlive this process, not even when this one is killed with SIGKILL: a shell waits
 * for the end of a pipe that only this process holds open.
 *
 * @param folder removed together with the child, or `null`
 * @returns call it as soon as the child has ended, before its process id can belong to another one.
 */
export function killWithParent(pid: number, folder: string | null): () => void {
  const watcher = spawn('sh', ['-c', WATCH, 'sh', String(pid), folder ?? ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // Without a shell the child is still ended by whoever started it; only a killed parent would leave it behind.
  watcher.on('error', ignore);
  watcher.stdin.on('error', ignore);
  watcher.unref();
  return () => watcher.stdin.end('done\n');
}

function ignore(): void {}
