{{/* The configuration: what the values say, and over it `config`. */}}
{{- define "xos.config" -}}
{{- $config := dict
  "name" .Values.name
  "namespaces" (include "xos.namespaces" . | fromJsonArray)
  "logging" .Values.logging
  "monitoring_address" (printf "0.0.0.0:%d" (int .Values.monitoring.port))
  "finalizers_at_creation" (eq (include "xos.usesPolicy" .) "true")
  "event_bus" (include "xos.eventBus" . | fromYaml)
-}}
{{- $_ := set $config "leader_election" .Values.leaderElection.enabled -}}
{{- if .Values.leaderElection.enabled -}}
{{- $_ := set $config "lease" (dict
  "duration" .Values.leaderElection.duration
  "renew_deadline" .Values.leaderElection.renewDeadline
  "retry_period" .Values.leaderElection.retryPeriod
  "namespace" .Release.Namespace) -}}
{{- end -}}
{{- if include "xos.isNamespaced" . -}}
{{- $_ := set $config "definitions" "provided" -}}
{{- end -}}
{{- if .Values.modelSets -}}
{{- $_ := set $config "models_dir" "/etc/xos/models" -}}
{{- with include "xos.modelSets.uses" . | fromJsonArray -}}
{{- $_ := set $config "uses" . -}}
{{- end -}}
{{- if include "xos.modelSets.dependencies" . -}}
{{- $_ := set $config "dependency_graph" "/etc/xos/models/dependencies.json" -}}
{{- end -}}
{{- end -}}
{{- if .Values.steps -}}
{{- $_ := set $config "documents_dir" "/etc/xos/documents" -}}
{{- end -}}
{{- with .Values.clusterDocuments -}}
{{- if .enabled -}}
{{- $documents := dict "enabled" true "namespace" (default $.Release.Namespace .namespace) -}}
{{- with .selector -}}
{{- $_ := set $documents "selector" . -}}
{{- end -}}
{{- $_ := set $config "cluster_documents" $documents -}}
{{- end -}}
{{- end -}}
{{- with .Values.api -}}
{{- if .enabled -}}
{{- $users := required "api.usersSecret is needed with api.enabled: name a Secret with the key `users`" .usersSecret -}}
{{- $address := printf "0.0.0.0:%d" (int .port) -}}
{{- $api := dict "users_file" "/etc/xos/api-users/users" -}}
{{- if .tlsSecret -}}
{{- $_ := set $api "address" $address -}}
{{- $_ := set $api "tls" (dict "certificate" "/etc/xos/api-tls/tls.crt" "key" "/etc/xos/api-tls/tls.key") -}}
{{- else -}}
{{- $_ := set $api "plain_address" $address -}}
{{- end -}}
{{- $_ := set $config "api" $api -}}
{{- end -}}
{{- end -}}
{{- $settings := deepCopy .Values.settings -}}
{{- if and .Values.directory.enabled (not (hasKey $settings "directory_url")) -}}
{{- $_ := set $settings "directory_url" (printf "http://%s.%s.svc:8080" (include "xos.directory" .) .Release.Namespace) -}}
{{- end -}}
{{- if $settings -}}
{{- $_ := set $config "settings" $settings -}}
{{- end -}}
{{- toYaml (mustMergeOverwrite $config (deepCopy .Values.config)) -}}
{{- end -}}

{{- define "xos.eventBus" -}}
{{- with .Values.kafka -}}
{{- if not .endpoint -}}
kind: none
{{- else -}}
kind: kafka
endpoint: {{ .endpoint | quote }}
{{- with .tls }}
{{- if .enabled }}
tls:
  enabled: true
  {{- with .caKey }}
  ca: /etc/xos/credentials/{{ . }}
  {{- end }}
  {{- with .certificateKey }}
  certificate: /etc/xos/credentials/{{ . }}
  {{- end }}
  {{- with .privateKeyKey }}
  key: /etc/xos/credentials/{{ . }}
  {{- end }}
{{- end }}
{{- end }}
{{- with .sasl }}
{{- if .mechanism }}
sasl:
  mechanism: {{ .mechanism }}
  username: {{ .username | quote }}
  password: "@/etc/xos/credentials/{{ .passwordKey }}"
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The files of the configuration: itself, models, their properties and dependencies, documents. */}}
{{- define "xos.files" -}}
config.yaml: |
  {{- include "xos.config" . | nindent 2 }}
{{- range $set, $spec := .Values.modelSets }}
{{- range $file, $text := $spec.xprotos }}
{{ printf "models.%s" $file | quote }}: |
  {{- $text | nindent 2 }}
{{- end }}
{{- with $spec.properties }}
{{ printf "convenience.%s.yaml" $set | quote }}: |
  {{- if kindIs "string" . }}{{ . | nindent 2 }}{{ else }}{{ toYaml . | nindent 2 }}{{ end }}
{{- end }}
{{- end }}
{{- with include "xos.modelSets.dependencies" . }}
dependencies.json: {{ . | quote }}
{{- end }}
{{- range $file, $text := .Values.steps }}
{{ printf "documents.%s" $file | quote }}: |
  {{- $text | nindent 2 }}
{{- end }}
{{- end -}}
