/** Access log of the profile `demo`: Istio's text format, on standard output (istio/istio@1.20.3:pilot/pkg/model/telemetry_logging.go). */
import { extension, type Extension } from '../policies/typed-config.js';

const format = [
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%',
  '%CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION%',
  '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"',
  '%UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n',
].join(' ');

/** A file, although it is standard output: Envoy then writes from a thread of its own, as Istio's does. */
export function renderIstioAccessLog(): Extension {
  return extension('envoy.access_loggers.file', 'access_loggers.file.v3.FileAccessLog', {
    path: '/dev/stdout', log_format: { text_format_source: { inline_string: format } },
  });
}

/** Of a listener: only connections that no filter chain wanted (NR). */
export function renderListenerAccessLog(): object {
  return { ...renderIstioAccessLog(), filter: { response_flag_filter: { flags: ['NR'] } } };
}
