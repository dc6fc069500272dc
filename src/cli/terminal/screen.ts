import { type CommandContext, plainText } from '../context/context.ts';

/** A view that fills the terminal and is redrawn. */
export interface Screen {
  draw(text: string): void;
  /** Restores the terminal. */
  close(): void;
}

// Opens the alternate screen, so that the old content comes back at the end; hides the cursor; cuts long lines.
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
      // Overwrites line by line: clearing the screen first would flicker.
      stdout.write(`${TOP}${lines.map((one) => EMPTY_LINE + one).join('\n')}${NOTHING_BELOW}`);
    },
    close,
  };
}

function fitting(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  return [...lines.slice(0, rows - 1), `(${lines.length - rows + 1} more lines; enlarge the window to see them)`];
}
