import { writeSync } from 'node:fs';

/** Where log lines go. Neither a full disk nor a pipe that nobody reads makes `write` wait or throw. */
export interface LogSink {
  write(line: string): void;
  /** The number of lines that were dropped because they could not be written. */
  dropped(): number;
  /** Writes the lines that wait, before the process ends. Blocks until they are written or can't be, for `LAST_FLUSH_MS` at most. */
  end(): void;
}

/** A few seconds of a busy worker. More lines are dropped, because the memory is needed for sending. */
const MAX_WAITING_BYTES = 1_048_576;
/** Once lines are dropped, they are until half of the memory is free, so that gaps in the log are few and long. */
const RESUME_BYTES = MAX_WAITING_BYTES / 2;
const RETRY_MS = 20;
/** After the log took something, since a pipe holds only 64 KiB: its reader gets up to 64 MiB a second. */
const GO_ON_MS = 1;
const LAST_FLUSH_MS = 1000;
const STDOUT = 1;

/**
 * Opens a log. Each line is written at once, so a crash loses none. Lines that can't be written wait, in order, up to a bound;
 * then further ones are dropped and counted, and one line says how many when lines can be written again.
 *
 * @param fd a file, or a pipe or socket that doesn't block
 */
export function openLogSink(fd: number): LogSink {
  const waiting: Buffer[] = [];
  let waitingBytes = 0;
  let dropped = 0;
  /** Lines that were dropped and not yet reported. */
  let missing = 0;
  let retry: NodeJS.Timeout | undefined;
  /** Since when the log has taken nothing; `null` if it has just taken something. */
  let stuckSince: number | null = null;

  function add(line: string): void {
    const bytes = Buffer.from(line);
    waiting.push(bytes);
    waitingBytes += bytes.length;
  }

  /** Writes as much as the log takes. Any error may pass: a disk gets space, a pipe another reader. */
  function flush(): void {
    const before = waitingBytes;
    try {
      for (let [first] = waiting; first; [first] = waiting) {
        const written = writeSync(fd, first);
        waitingBytes -= written;
        if (written < first.length) waiting[0] = first.subarray(written);
        else waiting.shift();
      }
    } catch {
      // What is left waits.
    }
    stuckSince = waitingBytes < before ? null : (stuckSince ?? performance.now());
    if (missing > 0 && waitingBytes <= RESUME_BYTES) reportMissing();
  }

  function reportMissing(): void {
    add(lineAbout(missing));
    missing = 0;
    flush();
  }

  function retryLater(): void {
    if (waitingBytes === 0) return;
    retry = setTimeout(
      () => {
        retry = undefined;
        flush();
        retryLater();
      },
      stuckSince === null ? GO_ON_MS : RETRY_MS,
    );
    // A process that ends by itself, such as an application with a worker, waits for a reader that reads.
    if (stuckSince !== null && performance.now() - stuckSince > LAST_FLUSH_MS) retry.unref();
  }

  return {
    write(line) {
      if (missing > 0 || waitingBytes + line.length > MAX_WAITING_BYTES) {
        missing += 1;
        dropped += 1;
        return;
      }
      add(line);
      // While lines wait, each further attempt would only cost time.
      if (retry) return;
      flush();
      retryLater();
    },
    dropped: () => dropped,
    end() {
      clearTimeout(retry);
      retry = undefined;
      const endsAt = performance.now() + LAST_FLUSH_MS;
      for (flush(); waitingBytes > 0; flush()) {
        const now = performance.now();
        if (now > endsAt || now - (stuckSince ?? now) > LAST_FLUSH_MS) return;
        // When the process ends, there is no event loop to wait in.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
      }
    },
  };
}

let stdoutLog: LogSink | undefined;

/** Returns stdout as a log: one for the whole process, so that the lines of several workers don't break each other. */
export function logToStdout(): LogSink {
  // The first use of `process.stdout` makes Node set a pipe to non-blocking.
  void process.stdout;
  return (stdoutLog ??= openLogSink(STDOUT));
}

/** In the form of the logger's lines. The lines are missing at any level, so the logger's level doesn't count. */
function lineAbout(missing: number): string {
  const time = new Date().toISOString();
  const msg = 'log lines are missing here: they could not be written, and too many were waiting';
  return `${JSON.stringify({ level: 'warn', time, name: 'kitechat-sender', missing, msg })}\n`;
}
