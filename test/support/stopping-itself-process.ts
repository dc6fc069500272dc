import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { type Command, Redis } from 'ioredis';
import { Agent } from 'undici';
import { STOPPED, type StoppingPoint } from './stopping-point.ts';

/**
 * Loaded into a process of the command line before its own code, this stops it at one point of what it says to Redis and
 * to the API. The signal is taken before the next instruction, so nothing else of the process runs in between.
 */
const point = JSON.parse(process.env['STOPPING_POINT'] ?? '') as StoppingPoint;
const scripts = new Map<string, string>();
let isClaimed = false;
let isSettled = false;
let hasStopped = false;

function stop(): void {
  hasStopped = true;
  writeSync(process.stdout.fd, `${STOPPED}\n`);
  process.kill(process.pid, point.signal);
}

// The longest backoff that the settings allow: there must be something to wait for.
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
  if (hasStopped || !isAbout(point.message, name, command)) return send();
  if (point.command === 'post' && name === 'laneClaim') {
    return whenAnswered(send(), 'go', () => (isClaimed = true));
  }
  if (point.command === 'moveToActive' && name === 'laneSettle') {
    return whenAnswered(send(), 'done', () => (isSettled = true));
  }
  if (point.command !== name || (name === 'moveToActive' && !isSettled)) return send();
  switch (point.when) {
    case 'before':
      // Whoever is killed at the end of a MULTI has written the rest of it; the stream collects until all is there.
      if (name === 'exec') stream?.write('');
      stop();
      return send();
    case 'sent': {
      const answer = send();
      // What was said in this turn of the event loop would leave at its end.
      while (this.stream.writableCorked > 0) this.stream.uncork();
      stop();
      return answer;
    }
    case 'answered':
      return whenAnswered(send(), point.reply, stop);
  }
};

const { dispatch } = Agent.prototype;

Agent.prototype.dispatch = function stopBeforeRequest(options, handler) {
  if (isClaimed && !hasStopped) stop();
  return dispatch.call(this, options, handler);
};

function nameOf({ name, args: [sha] }: Command): string {
  return name === 'evalsha' ? (scripts.get(String(sha)) ?? name) : name;
}

/** An EXEC names nothing; the first one of a worker is that of its first dead letter. Nor does the call for a next message. */
function isAbout(message: string | undefined, name: string, { args }: Command): boolean {
  if (message === undefined || name === 'exec' || name === 'moveToActive') return true;
  // What a script is told of several messages is JSON.
  return args.some((arg) => arg === message || (typeof arg === 'string' && arg.includes(`"${message}"`)));
}

/** Acts on an answer before the code that waits for it does. */
function whenAnswered(answer: unknown, word: string | undefined, act: () => void): unknown {
  Promise.resolve(answer).then(
    (reply) => {
      if (word === undefined || isOrHolds(reply, word)) act();
    },
    () => {},
  );
  return answer;
}

/** An answer that begins with the word, or answers to several messages of which one does. */
function isOrHolds(reply: unknown, word: string): boolean {
  return Array.isArray(reply) && (reply[0] === word || reply.some((one) => Array.isArray(one) && one[0] === word));
}
