import { SentinelConnector } from 'ioredis';
import { type ServerInfo, whyUnfit } from './unfit.ts';

type Connect = SentinelConnector['connect'];

/**
 * Connects to the primary that sentinels name. If all sentinels were asked, and one of them named a primary that could not be reached,
 * the error has the code `SENTINEL_PRIMARY_AWAY`.
 */
export class PrimaryBySentinel extends SentinelConnector {
  /** Whether ioredis has asked the sentinels to tell it of a failover. */
  private isTold = false;
  /** Whether a sentinel named a primary since the first of them was asked. */
  private isNamed = false;

  constructor(options: unknown) {
    super(options as ConstructorParameters<typeof SentinelConnector>[0]);
  }

  override async connect(...[emit]: Parameters<Connect>): ReturnType<Connect> {
    // ioredis still listens for the failover that ended the last connection. If it heard of that failover now, it would give up this
    // attempt to connect, and make no other one.
    if (this.isTold) super.disconnect();
    this.isTold = false;
    const stream = await super.connect((type, error) => {
      if (type === 'error') {
        if (this.isNamed) Object.assign(error, { code: 'SENTINEL_PRIMARY_AWAY' });
        this.isNamed = false;
      }
      emit(type, error);
    });
    this.isNamed = true;
    // ioredis listens for the first error only. TLS may report another one, which would end the process.
    stream.on('error', () => {});
    stream.once('connect', () => {
      this.isTold = true;
      // Then ioredis begins with the first sentinel again. Otherwise it goes on behind the one that named this primary.
      if (this.options.failoverDetector) this.isNamed = false;
    });
    return stream;
  }

  override check(info: ServerInfo): boolean {
    // ioredis itself looks at the role, and asks the next sentinel then.
    const error = whyUnfit(info, false);
    if (error === undefined) return super.check(info);
    // The connection emits this error, and is opened again.
    this.stream.destroy(error);
    return false;
  }

  /** ioredis calls this for each command that was refused; it adds a listener and a timer each time. */
  override disconnect(): void {
    if (this.connecting) super.disconnect();
  }
}
