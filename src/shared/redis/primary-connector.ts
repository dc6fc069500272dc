import { StandaloneConnector } from 'ioredis/built/connectors/index.js';
import { noteServer, type ServerInfo, whyUnfit } from './unfit.ts';

/**
 * Connects to one Redis, and ends the connection with an error if that Redis can't hold the queue, or can't do so now.
 *
 * @param needsPrimary whether the connection has to lead to a primary, asked at each attempt; a replica is enough for reading
 */
export function primaryConnector(needsPrimary: () => boolean): new (options: unknown) => StandaloneConnector {
  return class extends StandaloneConnector {
    constructor(options: unknown) {
      super(options as ConstructorParameters<typeof StandaloneConnector>[0]);
    }

    override async connect(
      ...args: Parameters<StandaloneConnector['connect']>
    ): ReturnType<StandaloneConnector['connect']> {
      const stream = await super.connect(...args);
      // ioredis listens for the first error only. TLS may report another one, which would end the process.
      stream.on('error', () => {});
      return stream;
    }

    /** ioredis calls this for each command that was refused; it adds a listener and a timer each time. */
    override disconnect(): void {
      // There is no stream before the first attempt.
      if (!(this.stream as typeof this.stream | undefined)?.writableEnded) super.disconnect();
    }

    override check(info: ServerInfo): boolean {
      noteServer(this.stream, info);
      const error = whyUnfit(info, needsPrimary());
      // The connection emits this error, and is opened again.
      if (error) this.stream.destroy(error);
      return error === undefined;
    }
  };
}
