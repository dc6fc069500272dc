import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { type Command, Redis } from 'ioredis';
import { Pool } from 'undici';
import { STOPPED, type StoppingPoint } from './stopping-point.ts';

/**
 * Loaded into a process of the command line before its own code, this stops the process at one point of its communication with
 * Redis and the API. The signal takes effect before the next instruction, so nothing else of the process runs in between.
 */
const point = JSON.parse(process.env['STOPPING_POINT'] ?? '') as StoppingPoint;
const scripts = new Map<string, string>();
let isTaken = false;
let hasStopped = false;

function stop(): void {
  hasStopped = true;
  writeSync(process.stdout.fd, `${STOPPED}\n`);
  process.kill(process.pid, point.signal);
}

// Always the longest backoff that the settings allow, so that there is something to wait for.
Math.random = () => 1;

const { defineCommand, sendCommand } = Redis.prototype;

Redis.prototype.defineCommand = function rememberName(name, definition) {
  const [plainName = name] = name.split(':');
  scripts.set(createHash('sha1').update(definition.lua).digest('hex'), plainName);
  defineCommand.call(this, name, definition);
};

Redis.prototype.sendCommand = function stopAtThePoint(command, stream) {
  const send = (): unknown => sendCommand.call(this, command, stream);
  const name = nameOf(command);
  if (hasStopped) return send();
  if (name === 'laneTurn' && (point.command === 'take' || point.command === 'post')) {
    return whenAnswered(send(), (reply) => {
      if (!handsOut(reply, point.message)) return;
      isTaken = true;
      if (point.command === 'take') stop();
    });
  }
  if (point.command !== name || !isAbout(point.message, command)) return send();
  switch (point.when) {
    case 'before':
      stop();
      return send();
    case 'sent': {
      const answer = send();
      // Commands of this turn of the event loop would be written only at its end.
      while (this.stream.writableCorked > 0) this.stream.uncork();
      stop();
      return answer;
    }
    case 'answered':
      return whenAnswered(send(), stop);
  }
};

const { dispatch } = Pool.prototype;

Pool.prototype.dispatch = function stopBeforeRequest(options, handler) {
  if (isTaken && !hasStopped) stop();
  return dispatch.call(this, options, handler);
};

function nameOf({ name, args: [sha] }: Command): string {
  return name === 'evalsha' ? (scripts.get(String(sha)) ?? name) : name;
}

function isAbout(message: string | undefined, { args }: Command): boolean {
  // Scripts get several messages as JSON.
  return (
    message === undefined ||
    args.some((arg) => arg === message || (typeof arg === 'string' && arg.includes(`"${message}"`)))
  );
}

/** Handles an answer before the code that waits for it. */
function whenAnswered(answer: unknown, act: (reply: unknown) => void): unknown {
  Promise.resolve(answer).then(act, () => {});
  return answer;
}

/** Whether the answer of a turn hands out the message. */
function handsOut(reply: unknown, message: string | undefined): boolean {
  const [, taken] = reply as [unknown, [verdict: string, id: string][]];
  return taken.some(([verdict, id]) => verdict === 'go' && (message === undefined || id === message));
}
