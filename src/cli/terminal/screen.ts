import { type CommandContext, plainText } from '../context/context.ts';

/** The whole terminal, drawn again and again. */
export interface Screen {
  draw(text: string): void;
  /** Leaves the terminal as it was found. */
  close(): void;
}

// The alternate screen, so that what was there comes back; no cursor; long lines are cut and don't wrap.
const OPEN = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const CLOSE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const TOP = '\u001b[H';
const EMPTY_LINE = '\u001b[2K';
const NOTHING_BELOW = '\u001b[J';

export function openScreen({ stdout, screenSize, atExit }: CommandContext): Screen {
  const close = (): void => {
    if (atExit.delete(close)) stdout.write(CLOSE);
  };
  atExit.add(close);
  stdout.write(OPEN);
  return {
    draw(text) {
      const lines = fitting(plainText(text).split('\n'), screenSize().rows);
      // Line by line over what is there: an empty screen in between would flicker.
      stdout.write(`${TOP}${lines.map((one) => EMPTY_LINE + one).join('\n')}${NOTHING_BELOW}`);
    },
    close,
  };
}

function fitting(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  return [...lines.slice(0, rows - 1), `(${lines.length - rows + 1} more lines, for a higher window)`];
}
