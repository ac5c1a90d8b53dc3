{{- /* A Service's name has no dot and begins with a letter; Helm's releases may do otherwise. */ -}}
{{- define "remedyd.name" -}}
{{- $name := .Values.nameOverride | default .Release.Name | replace "." "-" -}}
{{- if regexMatch "^[0-9]" $name -}}{{- $name = printf "remedyd-%s" $name -}}{{- end -}}
{{- $name | trunc 52 | trimAll "-" -}}
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
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "remedyd.labels" -}}
{{ include "remedyd.selector" . }}
app.kubernetes.io/version: {{ include "remedyd.label" .Chart.AppVersion }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | include "remedyd.label" }}
{{- end -}}

{{- /* A version as a label: a build's number comes after a plus, which no label may have. */ -}}
{{- define "remedyd.label" -}}
{{- . | replace "+" "_" | trunc 63 | trimAll "-_." | quote -}}
{{- end -}}

{{- define "remedyd.test-labels" -}}
app.kubernetes.io/name: remedyd-test
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- /* The metadata of an object: (list $ SUFFIX ANNOTATIONS OTHERWISE). OTHERWISE may have another
   name, namespace (empty: none) and more labels. */ -}}
{{- define "remedyd.meta" -}}
{{- $ := index . 0 -}}
{{- $annotations := dict -}}
{{- if gt (len .) 2 -}}{{- $annotations = index . 2 | default dict -}}{{- end -}}
{{- $otherwise := dict -}}
{{- if gt (len .) 3 -}}{{- $otherwise = index . 3 -}}{{- end -}}
{{- $own := include "remedyd.labels" $ | fromYaml -}}
{{- $name := printf "%s%s" (include "remedyd.name" $) (index . 1) -}}
{{- $meta := dict
    "name" (get $otherwise "name" | default $name)
    "labels" (merge $own (get $otherwise "labels" | default dict) ($.Values.commonLabels | default dict))
-}}
{{- $namespace := $.Release.Namespace -}}
{{- if hasKey $otherwise "namespace" -}}{{- $namespace = $otherwise.namespace -}}{{- end -}}
{{- with $namespace -}}{{- $_ := set $meta "namespace" . -}}{{- end -}}
{{- with merge (dict) $annotations ($.Values.commonAnnotations | default dict) -}}{{- $_ := set $meta "annotations" . -}}{{- end -}}
{{- toYaml $meta -}}
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
{{- range $field, $number := .Values.podSecurity }}
{{- if not (kindIs "invalid" $number) }}
{{ $field }}: {{ int $number }}
{{- end }}
{{- end }}
{{- if not (kindIs "invalid" .Values.podSecurity.fsGroup) }}
fsGroupChangePolicy: OnRootMismatch
{{- end }}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- /* Where the pods may run, the test's too. */ -}}
{{- define "remedyd.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Name of the Lease, empty without one. On a shared store there may be two daemons at any time:
   while an update rolls, or when somebody scales. */ -}}
{{- define "remedyd.lease" -}}
{{- if .Values.database.secret -}}{{- include "remedyd.name" . -}}{{- end -}}
{{- end -}}

{{- /* Ports that the daemon calls, as a JSON list: those of its URLs, of the database, and more. */ -}}
{{- define "remedyd.egress-ports" -}}
{{- $v := .Values -}}
{{- $ports := list -}}
{{- range $v.networkPolicy.egressPorts -}}{{- $ports = append $ports (int .) -}}{{- end -}}
{{- range compact (list $v.elasticsearch.url $v.trail.url $v.traces.endpoint $v.identity.oidc.issuer $v.identity.oidc.jwksUrl) -}}
{{- $url := urlParse . -}}
{{- $named := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- $usual := ternary 443 80 (eq $url.scheme "https") -}}
{{- $ports = append $ports (int ($named | default $usual)) -}}
{{- end -}}
{{- if $v.database.secret -}}{{- $ports = append $ports (int $v.database.port) -}}{{- end -}}
{{- uniq $ports | toJson -}}
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
