{{- /* Mistakes that only show between values: the field first, then the reason. */ -}}
{{- define "remedyd.check" -}}
{{- $v := .Values -}}
{{- if and (gt (int $v.replicas) 1) (not $v.database.secret) -}}
{{- fail "replicas: more than one daemon needs a shared store; name a Secret with a PostgreSQL URL in database.secret" -}}
{{- end -}}
{{- if and $v.database.secret $v.persistence.existingClaim -}}
{{- fail "persistence.existingClaim: with PostgreSQL (database.secret) there is no volume; leave one of the two out" -}}
{{- end -}}
{{- if and $v.ingress.enabled (not $v.ingress.host) -}}
{{- fail "ingress.host: an Ingress without a host would take every request; name one" -}}
{{- end -}}
{{- include "remedyd.check-policies" . -}}
{{- include "remedyd.check-access" . -}}
{{- end -}}

{{- define "remedyd.check-policies" -}}
{{- $v := .Values -}}
{{- if not (or $v.policies.shipped $v.policies.custom) -}}
{{- fail "policies: no policy is enabled; list one in policies.shipped or add one to policies.custom" -}}
{{- end -}}
{{- if and (eq $v.policies.mode "Auto") $v.policies.shipped (not $v.policies.namespaces) -}}
{{- fail "policies.namespaces: mode Auto acts without an approval; name the namespaces, or [\"*\"] for all" -}}
{{- end -}}
{{- range $name, $_ := $v.policies.custom -}}
{{- if has $name $v.policies.shipped -}}
{{- fail (printf "policies.custom.%s: a shipped policy has this name; take it out of policies.shipped" $name) -}}
{{- end -}}
{{- end -}}
{{- range $name, $audit := $v.audits.custom -}}
{{- if $.Files.Get (printf "files/audits/%s.yaml" $name) -}}
{{- fail (printf "audits.custom.%s: a shipped audit has this name; give it another" $name) -}}
{{- end -}}
{{- $parsed := $audit.definition | fromYaml -}}
{{- if hasKey $parsed "Error" -}}
{{- fail (printf "audits.custom.%s.definition: it is not YAML: %s" $name (get $parsed "Error")) -}}
{{- end -}}
{{- end -}}
{{- if and $v.requests.namespaces (not $v.requests.actions) -}}
{{- fail "requests.namespaces: they bound requested actions, and requests.actions is empty" -}}
{{- end -}}
{{- if and $v.guardrails (kindIs "string" $v.guardrails) -}}
{{- $parsed := $v.guardrails | fromYaml -}}
{{- if hasKey $parsed "Error" -}}
{{- fail (printf "guardrails: it is not YAML: %s" (get $parsed "Error")) -}}
{{- end -}}
{{- if ne (toString (get $parsed "kind" | default "Guardrails")) "Guardrails" -}}
{{- fail "guardrails: its kind must be Guardrails" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "remedyd.check-access" -}}
{{- $v := .Values -}}
{{- $byRbac := and $v.identity.kubernetes.enabled (eq $v.identity.kubernetes.scopesFrom "rbac") -}}
{{- if not (or $v.tokens.secret $byRbac) -}}
{{- fail "tokens.secret: nobody could call; name a Secret, or let RBAC say who may (identity.kubernetes)" -}}
{{- end -}}
{{- with $v.elasticsearch -}}
{{- if and .apiKey.secret .basicAuth.username -}}
{{- fail "elasticsearch.basicAuth: an API key and a user are both named; set elasticsearch.apiKey.secret to \"\" or leave the user out" -}}
{{- end -}}
{{- if and .basicAuth.username (not .basicAuth.secret) -}}
{{- fail "elasticsearch.basicAuth.secret: name the Secret with the user's password" -}}
{{- end -}}
{{- if and .ca.secret .ca.configMap -}}
{{- fail "elasticsearch.ca: a Secret and a ConfigMap are both named; one is enough" -}}
{{- end -}}
{{- end -}}
{{- with $v.identity.oidc -}}
{{- if and .issuer (not .audience) -}}
{{- fail "identity.oidc.audience: name the audience (client id) of the tokens, any of the issuer's would do otherwise" -}}
{{- end -}}
{{- if and .issuer (not $v.tokens.secret) -}}
{{- fail "tokens.secret: what users of identity.oidc may do stands in the grants of this Secret; name it" -}}
{{- end -}}
{{- if and .redirectUrl (not .issuer) -}}
{{- fail "identity.oidc.issuer: identity.oidc.redirectUrl needs an issuer to sign in with" -}}
{{- end -}}
{{- if and .clientSecret.secret (not .redirectUrl) -}}
{{- fail "identity.oidc.redirectUrl: a client secret is for signing in to the console, which needs it" -}}
{{- end -}}
{{- if and .ca.secret .ca.configMap -}}
{{- fail "identity.oidc.ca: a Secret and a ConfigMap are both named; one is enough" -}}
{{- end -}}
{{- end -}}
{{- if and $v.traces.headers.secret (not $v.traces.endpoint) -}}
{{- fail "traces.endpoint: headers are named, and nowhere to send them" -}}
{{- end -}}
{{- if and $v.trail.url (not $v.trail.apiKey.secret) -}}
{{- fail "trail.apiKey.secret: another Elasticsearch (trail.url) is never sent the telemetry's key; name its own" -}}
{{- end -}}
{{- with $v.networkPolicy -}}
{{- if and .enabled .from $v.serviceMonitor.enabled (not .scrapers) -}}
{{- fail "networkPolicy.scrapers: networkPolicy.from shuts Prometheus out; name where it runs" -}}
{{- end -}}
{{- end -}}
{{- end -}}
