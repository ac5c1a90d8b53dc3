{{- define "remedyd.name" -}}
{{- .Values.nameOverride | default .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "remedyd.account" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "remedyd.name" .) -}}
{{- else -}}
{{- required "serviceAccount.name: name an existing ServiceAccount, or set serviceAccount.create" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "remedyd.selector" -}}
app.kubernetes.io/name: remedyd
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "remedyd.labels" -}}
{{ include "remedyd.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "remedyd.meta" -}}
name: {{ include "remedyd.name" . }}
namespace: {{ .Release.Namespace }}
labels: {{- include "remedyd.labels" . | nindent 2 }}
{{- end -}}

{{- define "remedyd.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ printf "%s@%s" .repository .digest }}
{{- else -}}
{{ printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "remedyd.container-security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "remedyd.pod-security" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- /* Mistakes that only show between values: the field first, then the reason. */ -}}
{{- define "remedyd.check" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.database.secret) -}}
{{- fail "replicas: more than one daemon needs a shared store; name a Secret with a PostgreSQL URL in database.secret" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- fail "ingress.host: an Ingress without a host would take every request; name one" -}}
{{- end -}}
{{- if not (or .Values.policies.shipped .Values.policies.custom) -}}
{{- fail "policies: no policy is enabled; list one in policies.shipped or add one to policies.custom" -}}
{{- end -}}
{{- range $name, $_ := .Values.policies.custom -}}
{{- if has $name $.Values.policies.shipped -}}
{{- fail (printf "policies.custom.%s: a shipped policy has this name; take it out of policies.shipped" $name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.requests.namespaces (not .Values.requests.actions) -}}
{{- fail "requests.namespaces: they bound requested actions, and requests.actions is empty" -}}
{{- end -}}
{{- end -}}

{{- /* The policy files, as a YAML mapping of file name to text. */ -}}
{{- define "remedyd.policies" -}}
{{- $files := dict -}}
{{- range .Values.policies.shipped -}}
{{- $text := $.Files.Get (printf "files/policies/%s.yaml" .) -}}
{{- $text = regexReplaceAll "(?m)^  mode: \\w+$" $text (printf "  mode: %s" $.Values.policies.mode) -}}
{{- if $.Values.policies.namespaces -}}
{{- $text = regexReplaceAll "(?m)^  match:$" $text (printf "  match:\n    namespaces: %s" (toJson $.Values.policies.namespaces)) -}}
{{- end -}}
{{- $_ := set $files (printf "%s.yaml" .) $text -}}
{{- end -}}
{{- range $name, $text := .Values.policies.custom -}}
{{- $_ := set $files (printf "%s.yaml" $name) $text -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}

{{- /* What the enabled policies and requests need: {"everywhere": {"group resource": {verb: true}},
   "within": {namespace: {...}}}. files/rights.yaml comes from the program's own table. */ -}}
{{- define "remedyd.rights" -}}
{{- include "remedyd.check" . -}}
{{- $table := .Files.Get "files/rights.yaml" | fromYaml -}}
{{- $actions := $table.actions -}}
{{- $uses := list -}}
{{- $all := list "Deployment" "StatefulSet" "DaemonSet" -}}
{{- range $file, $text := include "remedyd.policies" . | fromYaml -}}
{{- range regexSplit "(?m)^---.*$" $text -1 -}}
{{- $policy := . | fromYaml -}}
{{- if hasKey $policy "Error" -}}
{{- fail (printf "policies: %s is not YAML: %s" $file (get $policy "Error")) -}}
{{- end -}}
{{- $spec := $policy.spec | default dict -}}
{{- if and $spec (ne ($spec.mode | default "Propose") "Disabled") -}}
{{- $match := $spec.match | default dict -}}
{{- range $spec.steps -}}
{{- if not (hasKey $actions .action.type) -}}
{{- fail (printf "policies: %s: no action is called %q" $file .action.type) -}}
{{- end -}}
{{- $rehearsed := or $.Values.dryRun (eq ($spec.mode | default "Propose") "DryRun") -}}
{{- $uses = append $uses (dict "action" .action.type "kinds" ($match.targetKinds | default $all) "namespaces" ($match.namespaces | default list) "more" $table.policies "rehearsed" $rehearsed) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range .Values.requests.actions -}}
{{- $uses = append $uses (dict "action" . "kinds" $all "namespaces" $.Values.requests.namespaces "more" list "rehearsed" $.Values.dryRun) -}}
{{- end -}}
{{- $everywhere := dict -}}
{{- $within := dict -}}
{{- range $use := $uses -}}
{{- $wide := or (not $use.namespaces) (contains "*" (join "," $use.namespaces)) -}}
{{- $rights := $use.more -}}
{{- $told := and $.Values.trail.kubernetesEvents (not $use.rehearsed) (ne $use.action "Status") -}}
{{- if $told -}}{{- $rights = concat $rights $table.told -}}{{- end -}}
{{- range $kind := $use.kinds -}}
{{- range $right := get (get $actions $use.action) $kind -}}
{{- if not (and $use.rehearsed $right.written) -}}{{- $rights = append $rights $right -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- range $right := $rights -}}
{{- $resource := printf "%s %s" $right.group $right.resource -}}
{{- if or $wide (not $right.namespaced) -}}
{{- $_ := set $everywhere $resource (merge (dict $right.verb true) (get $everywhere $resource | default dict)) -}}
{{- else -}}
{{- range $namespace := $use.namespaces -}}
{{- $held := get $within $namespace | default dict -}}
{{- $_ := set $held $resource (merge (dict $right.verb true) (get $held $resource | default dict)) -}}
{{- $_ := set $within $namespace $held -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $left := dict -}}
{{- range $namespace, $held := $within -}}
{{- $kept := dict -}}
{{- range $resource, $verbs := $held -}}
{{- $more := omit $verbs "" -}}
{{- range $verb, $_ := get $everywhere $resource | default dict -}}
{{- $more = omit $more $verb -}}
{{- end -}}
{{- if $more -}}{{- $_ := set $kept $resource $more -}}{{- end -}}
{{- end -}}
{{- if $kept -}}{{- $_ := set $left $namespace $kept -}}{{- end -}}
{{- end -}}
{{- toYaml (dict "everywhere" $everywhere "within" $left) -}}
{{- end -}}

{{- define "remedyd.rules" -}}
{{- range $resource, $verbs := . }}
{{- $parts := splitn " " 2 $resource }}
- apiGroups: [{{ $parts._0 | quote }}]
  resources: [{{ $parts._1 | quote }}]
  verbs: {{ keys $verbs | sortAlpha | toJson }}
{{- end -}}
{{- end -}}
