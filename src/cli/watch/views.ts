import type { Config } from '../../shared/config/config.ts';
import { type CommandContext, jsonLine, line } from '../context/context.ts';
import { describeMovingStatus, machineReadable } from '../commands/describe-status.ts';
import { openScreen } from '../terminal/screen.ts';
import { type Delivery, type Look, RATE_WINDOW_MS } from './look.ts';

type Names = Pick<Config, 'redisUrl' | 'namespace'>;

/** The output of `status --watch`. */
export interface WatchView {
  show(look: Look): void;
  /** Called each time that Redis did not answer. @param problem a description for people */
  showAway(problem: string, since: Date): void;
  end(): void;
}

/** @param names for machines, the Redis and the namespace; `null` for a view for people */
export function createView(context: CommandContext, names: Names | null): WatchView {
  if (names) return appendingView(context, (look) => jsonLine(context.stdout, lookForMachines(look, names)));
  if (!context.onScreen) {
    return appendingView(context, (look) => line(context.stdout, `${describeTime(look.at)}\n${describe(look)}\n`));
  }
  return screenView(context);
}

/** The status, and the rates that only a series of statuses can show. */
function lookForMachines({ at, status, changePerSecond, delivery }: Look, names: Names): Record<string, unknown> {
  return {
    at: at.toISOString(),
    ...machineReadable(status, names),
    deliveredPerSecond: delivery.perSecond,
    p50Ms: delivery.p50Ms,
    p95Ms: delivery.p95Ms,
    changePerSecond,
  };
}

/** Appends one status after the other; an outage is reported once. */
function appendingView({ stderr }: CommandContext, append: (look: Look) => void): WatchView {
  let isAway = false;
  return {
    show(look) {
      if (isAway) line(stderr, `${describeTime(look.at)} Redis answers again.`);
      isAway = false;
      append(look);
    },
    showAway(problem, since) {
      if (!isAway) line(stderr, `${describeTime(since)} ${problem}`);
      isAway = true;
    },
    end() {},
  };
}

/** Redraws the status in place. The last one stays on the terminal at the end. */
function screenView(context: CommandContext): WatchView {
  const screen = openScreen(context);
  const title = 'kitechat-sender status, every second; Ctrl-C stops it';
  let last: Look | null = null;
  let text = '';
  const draw = (at: Date, ...parts: string[]): void => {
    text = [`${describeTime(at)}  ${title}`, ...parts].join('\n\n');
    screen.draw(text);
  };
  return {
    show(look) {
      last = look;
      draw(look.at, describe(look));
    },
    showAway(problem, since) {
      const now = new Date();
      const seconds = Math.round((now.getTime() - since.getTime()) / 1000);
      // One sentence per line, because the screen cuts long lines.
      const away = [`REDIS HAS NOT ANSWERED for ${seconds} s:`, ...problem.split(/(?<=\.) /)].join('\n');
      draw(now, away, ...(last === null ? [] : [`Status at ${describeTime(last.at)}:`, describe(last)]));
    },
    end() {
      screen.close();
      if (text !== '') line(context.stdout, text);
    },
  };
}

function describe({ changePerSecond, delivery, ...now }: Look): string {
  // At the top, because a low window cuts off a long list of workers.
  return `${describeDelivery(delivery)}\n\n${describeMovingStatus(now, changePerSecond)}`;
}

function describeDelivery({ perSecond, p50Ms, p95Ms }: Delivery): string {
  const latency =
    p50Ms === null || p95Ms === null
      ? ''
      : `; half of the requests took up to ${Math.round(p50Ms)} ms, 95% up to ${Math.round(p95Ms)} ms`;
  return `Delivered ${perSecond.toFixed(1)} per second over ${RATE_WINDOW_MS / 1000} s${latency}.`;
}

function describeTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
