import { SentinelConnector } from 'ioredis';

type Connect = SentinelConnector['connect'];

/** Connects to the primary that sentinels name. */
export class PrimaryBySentinel extends SentinelConnector {
  /** Whether ioredis has asked the sentinels to tell it of a failover. */
  private isTold = false;

  constructor(options: unknown) {
    super(options as ConstructorParameters<typeof SentinelConnector>[0]);
  }

  override async connect(...args: Parameters<Connect>): ReturnType<Connect> {
    // ioredis still listens for the failover that ended the last connection. If it heard of that failover now, it would give up this
    // attempt to connect, and make no other one.
    if (this.isTold) super.disconnect();
    this.isTold = false;
    const stream = await super.connect(...args);
    stream.once('connect', () => (this.isTold = true));
    return stream;
  }

  /** ioredis calls this for each command that was refused; it adds a listener and a timer each time. */
  override disconnect(): void {
    if (this.connecting) super.disconnect();
  }
}
