import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { Pool } from 'undici';

/**
 * Loaded into a worker process before its own code, this blocks a part of the worker from SIGUSR2 on, as a fault in a hook, a
 * library or this program would.
 */
const part = process.env['STANDS_STILL'];
let isStill = false;
process.on('SIGUSR2', () => (isStill = true));

const never = new Promise<never>(() => {});

type WaitForJob = (this: Worker, blockUntil: number) => Promise<unknown>;

/** BullMQ waits for messages and is never woken. */
const waitForJob = Reflect.get(Worker.prototype, 'waitForJob') as WaitForJob;
const waitForEver: WaitForJob = async function waitForEver(blockUntil) {
  return await (part === 'bullmq' && isStill ? never : waitForJob.call(this, blockUntil));
};
Reflect.set(Worker.prototype, 'waitForJob', waitForEver);

/** The periodic task waits for an answer that never comes. */
const { sendCommand } = Redis.prototype;
Redis.prototype.sendCommand = function standStill(command, stream) {
  const isBeat = command.args.some((arg) => typeof arg === 'string' && arg.endsWith('}:workers'));
  return part === 'task' && isStill && isBeat ? never : sendCommand.call(this, command, stream);
};

/** A function that is called before a request never returns. */
const { dispatch } = Pool.prototype;
Pool.prototype.dispatch = function standStill(options, handler) {
  if (part === 'event-loop' && isStill) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  return dispatch.call(this, options, handler);
};
