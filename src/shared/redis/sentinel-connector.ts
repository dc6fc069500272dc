import { SentinelConnector } from 'ioredis';

/** Connects to the primary that sentinels name. */
export class PrimaryBySentinel extends SentinelConnector {
  constructor(options: unknown) {
    super(options as ConstructorParameters<typeof SentinelConnector>[0]);
  }

  override connect(...args: Parameters<SentinelConnector['connect']>): ReturnType<SentinelConnector['connect']> {
    // ioredis still listens for the failover that ended the last connection. If it heard of that failover now, it would give up this
    // attempt to connect, and make no other one.
    super.disconnect();
    return super.connect(...args);
  }

  /** ioredis calls this for each command that was refused; it adds a listener and a timer each time. */
  override disconnect(): void {
    if (this.connecting) super.disconnect();
  }
}
