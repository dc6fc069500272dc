export { type HttpOptions, type HttpServer, startHttp } from './server/server.ts';
export { startNotifyHttp } from './server/notify-server.ts';
