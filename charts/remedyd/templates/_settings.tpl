{{- /* Where a CA bundle is mounted, empty for none: (list "ca" .Values.elasticsearch.ca). */ -}}
{{- define "remedyd.ca-file" -}}
{{- $ca := index . 1 -}}
{{- if or $ca.secret $ca.configMap -}}
/etc/remedyd/{{ index . 0 }}/{{ $ca.key }}
{{- end -}}
{{- end -}}

{{- /* The settings file: the daemon's own names, values that are empty left to its defaults. */ -}}
{{- define "remedyd.settings" -}}
{{- $v := .Values -}}
{{- $settings := dict
    "cluster_name" $v.clusterName
    "policies" (list "/etc/remedyd/policies")
    "audits" (list "/etc/remedyd/audits")
    "namespace" .Release.Namespace
    "dry_run" $v.dryRun
    "log_level" $v.logLevel
    "log_format" $v.logFormat
    "kubernetes" (dict "timeout_seconds" $v.kubernetes.timeoutSeconds)
-}}
{{- if include "remedyd.lease" . -}}
{{- $_ := set $settings "lease" (include "remedyd.lease" .) -}}
{{- end -}}
{{- if $v.database.secret -}}
{{- $_ := set $settings "database_file" (printf "/etc/remedyd/database/%s" $v.database.key) -}}
{{- end -}}
{{- if $v.guardrails -}}
{{- $_ := set $settings "guardrails" "/etc/remedyd/settings/guardrails.yaml" -}}
{{- end -}}
{{- $elasticsearch := dict
    "url" $v.elasticsearch.url
    "compatibility" $v.elasticsearch.compatibility
    "verify" $v.elasticsearch.verify
    "timeout_seconds" $v.elasticsearch.timeoutSeconds
-}}
{{- if $v.elasticsearch.apiKey.secret -}}
{{- $_ := set $elasticsearch "api_key_file" (printf "/etc/remedyd/elasticsearch/%s" $v.elasticsearch.apiKey.key) -}}
{{- end -}}
{{- with $v.elasticsearch.basicAuth -}}
{{- if .username -}}
{{- $_ := set $elasticsearch "username" .username -}}
{{- $_ := set $elasticsearch "password_file" (printf "/etc/remedyd/elasticsearch/%s" .key) -}}
{{- end -}}
{{- end -}}
{{- with include "remedyd.ca-file" (list "ca" $v.elasticsearch.ca) -}}
{{- $_ := set $elasticsearch "ca_file" . -}}
{{- end -}}
{{- $_ := set $settings "elasticsearch" $elasticsearch -}}
{{- $trail := dict
    "elasticsearch" $v.trail.elasticsearch
    "namespace" $v.trail.namespace
    "url" $v.trail.url
    "most_waiting" $v.trail.mostWaiting
    "kubernetes_events" $v.trail.kubernetesEvents
-}}
{{- if $v.trail.apiKey.secret -}}
{{- $_ := set $trail "api_key_file" (printf "/etc/remedyd/trail/%s" $v.trail.apiKey.key) -}}
{{- end -}}
{{- $_ := set $settings "trail" $trail -}}
{{- $_ := set $settings "server" (include "remedyd.server-settings" . | fromYaml) -}}
{{- with $v.traces.endpoint -}}
{{- $_ := set $settings "traces" (dict "endpoint" .) -}}
{{- end -}}
{{- $rights := dict "requested_actions" ($v.requests.actions | default list) "requested_namespaces" ($v.requests.namespaces | default list) -}}
{{- if not (kindIs "invalid" $v.rbac.mostExcess) -}}
{{- $_ := set $rights "most_excess" $v.rbac.mostExcess -}}
{{- end -}}
{{- $_ := set $settings "rights" $rights -}}
{{- $_ := set $settings "limits" (dict
    "workers" $v.limits.workers
    "retention_days" $v.limits.retentionDays
    "approval_seconds" $v.limits.approvalSeconds
    "workflow_approval_seconds" $v.limits.workflowApprovalSeconds
) -}}
{{- toYaml $settings -}}
{{- end -}}

{{- define "remedyd.server-settings" -}}
{{- $v := .Values -}}
{{- $server := dict
    "host" "::"
    "port" 8000
    "identity_cache_seconds" $v.identity.cacheSeconds
    "requests_per_minute" $v.limits.requestsPerMinute
    "body_limit_bytes" $v.limits.bodyLimitBytes
    "session_minutes" $v.console.sessionMinutes
    "mcp" $v.agents.enabled
    "allowed_origins" ($v.agents.allowedOrigins | default list)
    "allowed_hosts" ($v.agents.allowedHosts | default list)
-}}
{{- if $v.tokens.secret -}}
{{- $_ := set $server "tokens_file" (printf "/etc/remedyd/tokens/%s" $v.tokens.key) -}}
{{- end -}}
{{- with $v.identity.kubernetes -}}
{{- if .enabled -}}
{{- $_ := set $server "kubernetes_tokens" (dict
    "enabled" true
    "audiences" .audiences
    "scopes_from" .scopesFrom
    "namespaces" (.namespaces | default list)
) -}}
{{- end -}}
{{- end -}}
{{- with $v.identity.oidc -}}
{{- if .issuer -}}
{{- $oidc := dict
    "issuer" .issuer
    "audience" .audience
    "jwks_url" .jwksUrl
    "algorithms" .algorithms
    "username_claim" .usernameClaim
    "username_prefix" .usernamePrefix
    "groups_claim" .groupsClaim
    "leeway_seconds" .leewaySeconds
    "sign_in_scope" .signInScope
    "redirect_url" .redirectUrl
-}}
{{- with include "remedyd.ca-file" (list "oidc-ca" .ca) -}}
{{- $_ := set $oidc "ca_file" . -}}
{{- end -}}
{{- if .clientSecret.secret -}}
{{- $_ := set $oidc "client_secret_file" (printf "/etc/remedyd/oidc/%s" .clientSecret.key) -}}
{{- end -}}
{{- $_ := set $server "oidc" $oidc -}}
{{- end -}}
{{- end -}}
{{- toYaml $server -}}
{{- end -}}

{{- /* The guardrails file: the text as given, or a document around what it is to say. */ -}}
{{- define "remedyd.guardrails" -}}
{{- if kindIs "string" .Values.guardrails -}}
{{- .Values.guardrails -}}
{{- else -}}
{{- toYaml (dict
    "apiVersion" "remedyd.io/v1alpha1"
    "kind" "Guardrails"
    "metadata" (dict "name" (include "remedyd.name" .))
    "spec" .Values.guardrails
) -}}
{{- end -}}
{{- end -}}
