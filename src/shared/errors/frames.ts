const FRAME = /^\s+at .*:\d+:\d+\)?$/;
const MAX_FRAMES = 20;

/** Returns the frames of the stack. The stack begins with the message, whose lines can look like frames, so the message is cut off. */
export function framesOf({ message, stack }: Error): string[] {
  // A program may prepare stacks in its own way, and then they can be anything.
  if (typeof stack !== 'string') return [];
  const start = stack.indexOf(message);
  if (start === -1) return [];
  return stack
    .slice(start + message.length)
    .split('\n')
    .filter((line) => FRAME.test(line))
    .slice(0, MAX_FRAMES);
}
