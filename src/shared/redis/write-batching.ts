import type { Redis } from 'ioredis';

/**
 * Sends all commands of one turn of the event loop in one write, because a system call for each command costs more than the
 * command. No command is delayed beyond the current turn.
 */
export function batchWrites(redis: Redis): void {
  const sendCommand = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    // There is no stream before the first connection.
    const socket = redis.stream as typeof redis.stream | undefined;
    if (socket && socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    return sendCommand(command, stream);
  };
}
