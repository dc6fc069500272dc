import { Counter, Gauge, type Registry } from 'prom-client';

/** Makes the metrics of a registry. Each name begins with `kitechat_sender_`. */
export function createSeries(registry: Registry) {
  const described = <Label extends string>(name: string, help: string, labelNames: Label[]) => ({
    name: `kitechat_sender_${name}`,
    help,
    labelNames,
    registers: [registry],
  });
  return {
    gauge: <Label extends string = never>(name: string, help: string, ...labelNames: Label[]): Gauge<Label> =>
      new Gauge(described(name, help, labelNames)),
    counter: <Label extends string = never>(name: string, help: string, ...labelNames: Label[]): Counter<Label> =>
      new Counter(described(name, help, labelNames)),
  };
}
