import type { Redis } from 'ioredis';

/**
 * What is said to Redis in one turn of the event loop leaves in one write: a system call for each command costs more than
 * the command. Nothing waits longer for that.
 */
export function batchWrites(redis: Redis): void {
  const sendCommand = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    // There is none yet before the first connection.
    const socket = redis.stream as typeof redis.stream | undefined;
    if (socket && socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    return sendCommand(command, stream);
  };
}
