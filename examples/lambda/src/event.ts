import type { EventBridgeEvent } from 'aws-lambda';
import { type Shipped, tellShipped } from './tell-shipped.ts';

/** Takes events from EventBridge. When it throws, Lambda delivers the event again, with the same id. */
export async function handler({ id, detail }: EventBridgeEvent<'OrderShipped', Shipped>): Promise<void> {
  await tellShipped(detail, `event-${id}`);
}
