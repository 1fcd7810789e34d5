/** Access log on standard output: one line for every request. */
import { extension, type Extension } from './typed-config.js';

/** A format in Envoy's command operators, e.g. `%DYNAMIC_METADATA(envoy.lb)%\n`; without one Envoy's default text. */
export interface AccessLog {
  format?: string;
}

export function renderAccessLog(log: AccessLog): Extension {
  const format = log.format === undefined ? {} : { log_format: { text_format_source: { inline_string: log.format } } };
  return extension('envoy.access_loggers.stdout', 'access_loggers.stream.v3.StdoutAccessLog', format);
}
