{{- /* What is secret comes by reference; the rest is in the settings file. A variable stays as it is
   until the pod is restarted: what can be rotated is mounted instead, as a directory. */ -}}
{{- define "remedyd.environment" -}}
- {name: REMEDYD_CONFIG, value: /etc/remedyd/settings/remedyd.yaml}
{{- $v := .Values }}
{{- $secrets := dict
    "REMEDYD_SERVER__SESSION_KEY" $v.console.sessionKey
    "REMEDYD_TRACES__HEADERS" $v.traces.headers
}}
{{- range $variable, $held := $secrets }}
{{- if $held.secret }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef: {name: {{ $held.secret | quote }}, key: {{ $held.key | quote }}}
{{- end }}
{{- end }}
{{- with $v.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* Volumes that are mounted at /etc/remedyd/NAME, as a YAML list. */ -}}
{{- define "remedyd.mounts" -}}
{{- $v := .Values -}}
{{- range list "settings" "policies" "audits" }}
- name: {{ . }}
  configMap: {name: {{ include "remedyd.name" $ }}-{{ . }}}
{{- end }}
{{- $secrets := dict
    "tokens" $v.tokens.secret
    "elasticsearch" ($v.elasticsearch.apiKey.secret | default $v.elasticsearch.basicAuth.secret)
    "trail" $v.trail.apiKey.secret
    "database" $v.database.secret
    "oidc" $v.identity.oidc.clientSecret.secret
    "ca" $v.elasticsearch.ca.secret
    "oidc-ca" $v.identity.oidc.ca.secret
}}
{{- range $name, $secret := $secrets }}
{{- if $secret }}
- name: {{ $name }}
  secret: {secretName: {{ $secret | quote }}, defaultMode: 0440}
{{- end }}
{{- end }}
{{- range $name, $map := dict "ca" $v.elasticsearch.ca.configMap "oidc-ca" $v.identity.oidc.ca.configMap }}
{{- if $map }}
- name: {{ $name }}
  configMap: {name: {{ $map | quote }}}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Names of the Secrets that have to be there, as a YAML list. */ -}}
{{- define "remedyd.secrets" -}}
{{- $v := .Values -}}
{{- range compact (list $v.tokens.secret $v.elasticsearch.apiKey.secret $v.elasticsearch.basicAuth.secret $v.elasticsearch.ca.secret $v.trail.apiKey.secret $v.database.secret $v.console.sessionKey.secret $v.identity.oidc.clientSecret.secret $v.identity.oidc.ca.secret $v.traces.headers.secret) | uniq }}
- {{ . | quote }}
{{- end }}
{{- end -}}
