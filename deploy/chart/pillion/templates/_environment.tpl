{{/* The settings of the installation. They win over `configuration`, which is why the schema
     refuses them there. */}}
{{- define "pillion.environment" -}}
{{- $name := include "pillion.name" . -}}
PILLION_LISTEN: {{ printf "%s:%v" .Values.listenAddress .Values.ports.webhook | quote }}
PILLION_ADMIN_LISTEN: {{ printf "%s:%v" .Values.listenAddress .Values.ports.admin | quote }}
PILLION_WATCH_CLUSTER: "true"
PILLION_BUILT_IN_CATALOG: {{ .Values.catalog.enabled | quote }}
PILLION_EVENTS: {{ .Values.events | quote }}
PILLION_SERVICE: {{ $name }}
PILLION_LEASE: {{ $name }}
PILLION_DEPLOYMENT: {{ $name }}
PILLION_DRAIN_SECONDS: {{ .Values.shutdown.drainSeconds | quote }}
PILLION_SHUTDOWN_SECONDS: {{ .Values.shutdown.seconds | quote }}
PILLION_NAMESPACE_TEMPLATES: {{ .Values.tenants.templates | quote }}
PILLION_NAMESPACE_TEMPLATES_MIB: {{ .Values.tenants.templatesMiB | quote }}
PILLION_ALL_NAMESPACES_TEMPLATES_MIB: {{ .Values.tenants.allTemplatesMiB | quote }}
PILLION_DECISION_CACHE_MIB: {{ .Values.decisionCacheMiB | quote }}
PILLION_LOG: {{ .Values.logLevel | quote }}
PILLION_LOG_FORMAT: {{ .Values.logFormat }}
{{- with .Values.excludedNamespaces }}
PILLION_EXCLUDE_NAMESPACE: {{ join "," . | quote }}
{{- end }}
{{- if eq .Values.kubernetesVersion "auto" }}
PILLION_KUBERNETES_VERSION: {{ printf "%s.%s" .Capabilities.KubeVersion.Major (.Capabilities.KubeVersion.Minor | trimSuffix "+") | quote }}
{{- else if .Values.kubernetesVersion }}
PILLION_KUBERNETES_VERSION: {{ .Values.kubernetesVersion | quote }}
{{- end }}
{{- if .Values.configuration }}
PILLION_CONFIG: /etc/pillion/configuration/configuration.yaml
{{- end }}
{{- if include "pillion.writesBundle" . }}
PILLION_WEBHOOK_CONFIGURATION: {{ $name }}
{{- end }}
{{- if include "pillion.tlsSecret" . }}
PILLION_TLS_CERT: /etc/pillion/tls/tls.crt
PILLION_TLS_KEY: /etc/pillion/tls/tls.key
{{- else }}
PILLION_AUTHORITY_SECRET: {{ .Values.certificates.selfManaged.secretName }}
{{- with .Values.certificates.selfManaged.certificateLifetime }}
PILLION_CERTIFICATE_LIFETIME: {{ . | quote }}
{{- end }}
{{- with .Values.certificates.selfManaged.authorityLifetime }}
PILLION_AUTHORITY_LIFETIME: {{ . | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "pillion.antiAffinity" -}}
{{- if ne .Values.antiAffinity "none" -}}
podAntiAffinity:
  {{- if eq .Values.antiAffinity "hard" }}
  requiredDuringSchedulingIgnoredDuringExecution:
    - topologyKey: kubernetes.io/hostname
      matchLabelKeys: [pod-template-hash]
      labelSelector:
        matchLabels:
          {{- include "pillion.selector" . | nindent 10 }}
  {{- else }}
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "pillion.selector" . | nindent 12 }}
  {{- end }}
{{- end -}}
{{- end -}}
